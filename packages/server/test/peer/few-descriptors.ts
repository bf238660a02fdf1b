/** A program that accepts connections at the port it is given, and says what happens to them. */
import { TcpNetwork } from '../../src/adapters/peer/tcp-network.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const network = new TcpNetwork({ failed: (error) => say(`failed ${error.message}`) });
const port = Number(process.argv[2]);
network.listen(
  { host: '127.0.0.1', port },
  () => {
    say('accepted');
    return {
      opened: () => {},
      data: (bytes) => say(`data ${Buffer.from(bytes).toString()}`),
      drained: () => {},
      closed: () => say('closed'),
    };
  },
  (error) => say(error === null ? `listens` : error.message),
);
