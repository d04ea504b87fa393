// Loaded before kinesis-local (`node --require`), for what it has no options for. It listens on all interfaces, so `listen`
// gets the loopback address. It waits for half a minute for open connections when it is told to end, and has nothing to
// save, so it ends at once; and it ends when standard input does: then whoever started it is gone, however it went.

const net = require('net');

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number' || typeof rest[0] === 'string') {
    throw new Error('kinesis-local listens otherwise than it did; look at its version');
  }
  return listen.call(this, port, '127.0.0.1', ...rest);
};

// Taken now: kinesis-local puts a function of its own in its place.
const exit = process.exit.bind(process);
process.on('SIGTERM', () => exit(0));
process.stdin.on('end', () => exit(0)).resume();
