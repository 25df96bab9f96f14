const express = require('express');
const app = express();
const port = process.argv[2];
app.use('/public', express.static(`${__dirname}/public`));
app.all('/', (request, response) => response.send(`Hello from ${port}\n`));
app.listen(port);
