// An Express application. `?do=NAME` selects a behavior; by default, the response body is the
// request as JSON. Each request is appended to the file RECORD when it arrives, as one JSON line.
'use strict';

const fs = require('node:fs');
const express = require('express');
const helmet = require('helmet');

const { HEALTH, HOST, PORT, RECORD } = process.env;
const app = express();
app.disable('x-powered-by');

const record = (request) => {
  const { method, originalUrl: url, rawHeaders: headers } = request;
  fs.appendFileSync(RECORD, `${JSON.stringify({ port: Number(PORT), method, url, headers })}\n`);
};

const requestsOf = (request) => fs.readFileSync(RECORD, 'utf8').split('\n')
  .filter((line) => line && JSON.parse(line).url === request.originalUrl).length;

const wait = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

const echo = (request, response) => {
  const { method, originalUrl: url, rawHeaders: headers } = request;
  let length = 0;
  request.on('data', (chunk) => { length += chunk.length; });
  request.on('end', () => response.json({ port: Number(PORT), method, url, headers, length }));
};

const TYPES = {
  css: 'text/css', html: 'text/html; charset=utf-8', js: 'text/javascript', json: 'application/json',
  png: 'image/png', svg: 'image/svg+xml', text: 'text/plain', zip: 'application/zip',
};

const behaviors = {
  // SIZE bytes of a type, with Content-Length.
  body: (request, response) => {
    const { size = 8192, type = 'text' } = request.query;
    response.set('Content-Type', TYPES[type]).end(Buffer.alloc(Number(size), 'all work and no play '));
  },
  // An encoded body.
  encoded: (request, response) => {
    response.set({ 'Content-Type': 'text/css', 'Content-Encoding': 'br' }).end(Buffer.alloc(8192, 'x'));
  },
  // Exits when it receives the request.
  crash: () => process.exit(1),
  // Exits when it receives the first request of a URL; another instance responds to the next.
  crashonce: (request, response) => (requestsOf(request) > 1 ? echo(request, response) : process.exit(1)),
  // 103 before the response.
  early: (request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' }, () => response.send('late'));
  },
  // Server-sent events, QUIET milliseconds apart; framing=close: the connection ends the body.
  events: async (request, response) => {
    const { quiet = 0, framing = 'chunked', size = 0 } = request.query;
    response.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    if (framing === 'close') response.removeHeader('Transfer-Encoding');
    response.flushHeaders();
    response.write(`data: first ${'x'.repeat(Number(size))}\n\n`);
    await wait(Number(quiet));
    response.end('data: second\n\n');
  },
  // Headers of SIZE bytes altogether, PIECE bytes each.
  headers: (request, response) => {
    const size = Number(request.query.size);
    const piece = Number(request.query.piece || 1000);
    for (let at = 0, left = size; left > 0; at += 1, left -= piece) {
      response.append('Set-Cookie', `c${at}=${'v'.repeat(Math.max(1, Math.min(piece, left) - 20))}`);
    }
    response.send('headers');
  },
  // Responds after MS milliseconds.
  slow: async (request, response) => {
    await wait(Number(request.query.ms));
    response.send('slow');
  },
  // A response with STATUS.
  status: (request, response) => response.status(Number(request.query.status)).send('own'),
};

app.get('/health', (request, response) => {
  record(request);
  if (HEALTH === '302') return response.redirect('/elsewhere');
  return response.status(Number(HEALTH || 200)).end();
});
app.use((request, response, next) => { record(request); next(); });
// Responds before it has read the body.
app.post('/login', (request, response) => response.status(401).json({ error: 'wrong password' }));
app.use('/helmet', helmet());
app.use((request, response) => (behaviors[request.query.do] || echo)(request, response));
app.listen(Number(PORT), HOST);
