// A socket.io client with default settings: node socketio-client.js URL SECONDS [TRANSPORT...]
//
// Connects, stays silent for SECONDS, asks for an echo, and prints what happened as one JSON line.
'use strict';

const { io } = require('socket.io-client');

const [url, seconds, ...transports] = process.argv.slice(2);
const socket = io(url, transports.length > 0 ? { transports } : {});
const seen = { connects: 0, disconnects: [], errors: [], transport: '', echo: '' };

const finish = () => {
  process.stdout.write(`${JSON.stringify(seen)}\n`);
  process.exit(0);
};

socket.on('connect', () => {
  seen.connects += 1;
  if (seen.connects > 1) return;
  setTimeout(() => {
    seen.transport = socket.io.engine && socket.io.engine.transport.name;
    socket.timeout(3000).emit('echo', 'still here', (error, word) => {
      seen.echo = error ? String(error) : word;
      finish();
    });
  }, Number(seconds) * 1000);
});
socket.on('disconnect', (reason) => seen.disconnects.push(reason));
socket.on('connect_error', (error) => seen.errors.push(error.message));
setTimeout(finish, Number(seconds) * 1000 + 8000);
