// An Express app for `socket_activation: true` (Node.js 20, CommonJS).
const http = require('node:http');
const express = require('express');

const GRACE = 2_000; // ms that idle connections stay open after SIGTERM
const DEADLINE = 8_000; // ms from SIGTERM to the exit; less than `stop_timeout`

const app = express();
const earlier = new Set(); // open connections from before SIGTERM
let draining = false;

app.use((request, response, next) => {
  if (draining) response.set('Connection', 'close');
  next();
});
// Read the body before you respond: closing a socket that holds unread bytes resets it.
app.use(express.text({ type: () => true }));
app.get('/health', (request, response) => response.send('ok\n'));
app.all('/', (request, response) => response.send('hello\n')); // your routes

const server = http.createServer(app);
server.on('connection', (socket) => {
  if (draining) return;
  earlier.add(socket);
  socket.once('close', () => earlier.delete(socket));
});
const { LISTEN_FDS, PORT, HOST } = process.env;
server.listen(LISTEN_FDS ? { fd: 3 } : { port: PORT, host: HOST });

process.once('SIGTERM', () => {
  draining = true;
  const began = Date.now();
  const timer = setInterval(() => {
    if (earlier.size > 0 && Date.now() - began < GRACE) return;
    clearInterval(timer);
    server.close(() => process.exit(0)); // stop accepting, finish in-flight requests
    server.closeIdleConnections();
  }, 5);
  setTimeout(() => process.exit(0), DEADLINE);
});
