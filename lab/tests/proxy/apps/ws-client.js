// Opens a websocket over TLS, sends a message, and prints the echo: node ws-client.js URL
'use strict';

const { WebSocket } = require('ws');

const socket = new WebSocket(process.argv[2], { rejectUnauthorized: false });
socket.on('open', () => socket.send('hello'));
socket.on('message', (data) => { process.stdout.write(String(data)); process.exit(0); });
socket.on('error', (error) => { process.stderr.write(`${error.message}\n`); process.exit(1); });
setTimeout(() => process.exit(1), 10000);
