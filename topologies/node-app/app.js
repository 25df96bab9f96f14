const express = require('express');
const app = express();
app.all('/', (request, response) => response.send(`Hello from ${process.env.PORT}\n`));
app.listen(process.env.PORT);
