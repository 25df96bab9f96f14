// A socket.io client with default settings: node socketio-client.js URL SECONDS [TRANSPORT...]
//
// Connects, is idle for SECONDS, requests an echo, and prints the events as one JSON line.
'use strict';

const { io } = require('socket.io-client');

const [url, seconds, ...transports] = process.argv.slice(2);
const socket = io(url, transports.length > 0 ? { transports } : {});
const events = { connects: 0, disconnects: [], errors: [], transport: '', echo: '' };

const finish = () => {
  process.stdout.write(`${JSON.stringify(events)}\n`);
  process.exit(0);
};

socket.on('connect', () => {
  events.connects += 1;
  if (events.connects > 1) return;
  setTimeout(() => {
    events.transport = socket.io.engine && socket.io.engine.transport.name;
    socket.timeout(3000).emit('echo', 'still here', (error, message) => {
      events.echo = error ? String(error) : message;
      finish();
    });
  }, Number(seconds) * 1000);
});
socket.on('disconnect', (reason) => events.disconnects.push(reason));
socket.on('connect_error', (error) => events.errors.push(error.message));
setTimeout(finish, Number(seconds) * 1000 + 8000);
