// Where results go: refuses whoever comes with a lower token than it has seen.
import { createServer } from 'node:http';

export async function startStore(report) {
  let highest = 0;
  const http = createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://store');
    const token = Number(searchParams.get('token'));
    const isFenced = token < highest;
    highest = Math.max(highest, token);
    response.writeHead(isFenced ? 409 : 200).end();
    report({ tick: Number(searchParams.get('tick')), name: searchParams.get('name'), isFenced });
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { http, url: `http://127.0.0.1:${http.address().port}/` };
}
