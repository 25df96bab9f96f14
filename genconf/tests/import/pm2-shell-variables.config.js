// Variables of the shell, as real ecosystem files use them.
const { GENCONF_TEST_STAGE = 'test', PATH } = process.env;
process.env.GENCONF_TEST_OWN = 'set by the file';

module.exports = {
  apps: [
    {
      name: 'api',
      script: 'server.js',
      instances: process.env.GENCONF_TEST_COUNT || 2,
      cwd: process.env.GENCONF_TEST_ROOT && '/srv/api',
      args: `--region ${process.env.GENCONF_TEST_REGION}`,
      env: {
        PORT: parseInt(process.env.GENCONF_TEST_PORT, 10) || 4700,
        GENCONF_TEST_URL: process.env.GENCONF_TEST_URL,
        DATABASE_URL: `postgres://${process.env.GENCONF_TEST_USER}@${process.env.GENCONF_TEST_DB}/shop`,
        PATH: PATH + ':/opt/tools/bin',
        STAGE: GENCONF_TEST_STAGE,
        TIMEOUT: Number(process.env.GENCONF_TEST_TIMEOUT),
        LEVEL: process.env.GENCONF_TEST_DEBUG ? 'debug' : 'info',
        OWN: process.env.GENCONF_TEST_OWN,
        FIXED: 'undefined',
        MISSING: undefined,
      },
    },
    {
      name: 'all',
      script: `${process.env.GENCONF_TEST_HOME}/all.js`,
      env: { ...process.env, PORT: 4710, MODE: process.env.NODE_ENV === 'production' ? 'a' : 'b' },
    },
  ],
};
