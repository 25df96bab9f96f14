// A socket.io server with default settings.
'use strict';

const http = require('node:http');
const { Server } = require('socket.io');

const { HOST, PORT } = process.env;
const server = http.createServer((request, response) => response.end('ok'));
const io = new Server(server);
io.on('connection', (socket) => socket.on('echo', (message, acknowledge) => acknowledge(message)));
server.listen(Number(PORT), HOST);
