// Loaded before kinesis-local (`node --require`), for what it has no options for: it listens on all interfaces, so `listen`
// gets the loopback address; and it ends when standard input ends: then whoever started it is gone, however it went.

const net = require('net');

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number' || typeof rest[0] === 'string') {
    throw new Error('kinesis-local listens otherwise than it did; look at its version');
  }
  return listen.call(this, port, '127.0.0.1', ...rest);
};

process.stdin.on('end', () => process.exit()).resume();
