// Passes each request to the next backend that is there.
import { createServer } from 'node:http';
import { ServiceDiscovery, uriOf } from '@headkeeper/recipes';

const MOST_ATTEMPTS = 3;

export async function startProxy(client) {
  const provider = await new ServiceDiscovery(client, '/example/services').provider('hello', { downAfterErrors: 1 });
  const http = createServer(async (request, response) => {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const backend = provider.pick();
      if (backend === null) break;
      try {
        const answer = await fetch(uriOf(backend) + request.url);
        response.writeHead(answer.status).end(await answer.text());
        return;
      } catch {
        // Others are asked first for a while.
        provider.noteError(backend);
      }
    }
    response.writeHead(503).end('no backend\n');
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { http, provider, url: `http://127.0.0.1:${http.address().port}/` };
}
