// The same service in plain Express: each value is drawn.
const os = require('node:os');
const express = require('express');

const flag = process.argv.indexOf('-p');
const port = flag > 0 ? Number(process.argv[flag + 1]) : 8080;
const app = express();

app.get('/api/randoms', (request, response) => {
  const cant = Number(request.query.cant ?? 100000000);
  const tally = {};
  for (let draw = 0; draw < cant; draw += 1) {
    const value = Math.floor(Math.random() * 1000) + 1;
    tally[value] = (tally[value] ?? 0) + 1;
  }
  response.json(tally);
});

app.get('/info', (request, response) => {
  response.json({
    arguments: process.argv.slice(2),
    directory: process.cwd(),
    executable: process.execPath,
    memory_bytes: process.memoryUsage().rss,
    pid: process.pid,
    platform: process.platform,
    processors: os.cpus().length,
    version: process.version,
  });
});

app.listen(port);
