// One of several workers: node worker.js CONNECT_STRING NAME
import { setInterval } from 'node:timers/promises';
import { connect } from '@headkeeper/client';
import { LeaderLatch } from '@headkeeper/recipes';

const [connectString, name] = process.argv.slice(2);
const client = await connect(connectString, { sessionTimeoutMs: 1000 });
const latch = new LeaderLatch(client, '/example/leader', { id: name });
console.log(`${name} is there`);

for (;;) {
  const { signal, token } = await latch.lead();
  console.log(`${name} leads, token ${token}`);
  try {
    for await (const _ of setInterval(50, null, { signal })) {
      // What only one may do goes here.
    }
  } catch {
    console.log(`${name} leads no more: ${signal.reason?.message}`);
  }
}
