require("http").createServer((request, response) => response.end("ok\n")).listen(process.env.PORT, process.env.HOST);
