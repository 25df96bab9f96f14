// Echoes websocket messages (ws).
'use strict';

const http = require('node:http');
const { WebSocketServer } = require('ws');

const { HOST, PORT } = process.env;
const server = http.createServer((request, response) => response.end(JSON.stringify(request.rawHeaders)));
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen(Number(PORT), HOST);
