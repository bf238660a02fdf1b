// Runs a job at every tick, unless another does: node worker.js CONNECT_STRING STORE_URL NAME
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from '@headkeeper/client';
import { AtomicCounter, HoldLostError, Mutex } from '@headkeeper/recipes';

const TICK_MS = 200;
const JOB_MS = 60;

const [connectString, storeUrl, name] = process.argv.slice(2);
const client = await connect(connectString, { sessionTimeoutMs: 1000 });
const mutex = new Mutex(client, '/example/cron/lock');
const lastDone = new AtomicCounter(client, '/example/cron/last');

function tickNow() {
  return Math.floor(Date.now() / TICK_MS);
}

async function doTick(tick, token) {
  // The last tick may have been done through another server than ours: what was written there has to be seen here.
  await client.sync('/example/cron/last');
  const last = await lastDone.get();
  if (last >= tick) return;
  console.log(`${name} begins`);
  await pause(JOB_MS);
  // The token says to the store which of two holders is the later one.
  const { status } = await fetch(`${storeUrl}?tick=${tick}&name=${name}&token=${token}`);
  if (status === 200) await lastDone.compareAndSet(last, tick);
}

for (;;) {
  const tick = tickNow() + 1;
  await pause(tick * TICK_MS - Date.now());
  try {
    await mutex.run(({ token }) => doTick(tick, token));
  } catch (error) {
    if (!(error instanceof HoldLostError)) throw error;
    // Another has the lock by now, and goes on.
  }
}
