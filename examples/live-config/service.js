// A web service whose configuration may change at any time.
import { createServer } from 'node:http';
import { ConfigStore } from '@headkeeper/recipes';

const text = (value) => {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error('has to be text');
};
const count = (value) => {
  if (Number.isInteger(value) && value > 0 && value <= 5) return value;
  throw new Error('has to be a whole number from 1 to 5');
};

/** The same for the service and for those who configure it. */
export function openConfig(client) {
  return new ConfigStore(client, '/example/config', { schema: { greeting: text, times: count } });
}

/** `onChange` hears of every revision that the service goes by. */
export async function startService(client, onChange) {
  let values = {};
  const http = createServer((_request, response) => {
    const { greeting = 'hello', times = 1 } = values;
    response.end(Array(times).fill(greeting).join(' '));
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  const following = (async () => {
    for await (const snapshot of openConfig(client).watch()) {
      values = snapshot.values;
      onChange(snapshot.revision);
    }
  })();
  return { http, following, url: `http://127.0.0.1:${http.address().port}/` };
}
