// A web service that others can find: node backend.js CONNECT_STRING ID
import { createServer } from 'node:http';
import { connect } from '@headkeeper/client';
import { ServiceDiscovery, uriSpec } from '@headkeeper/recipes';

const [connectString, id] = process.argv.slice(2);
const http = createServer((_request, response) => response.end(`hello from ${id}`));
await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));

const client = await connect(connectString, { sessionTimeoutMs: 1000 });
await new ServiceDiscovery(client, '/example/services').register(
  { name: 'hello', id, address: '127.0.0.1', port: http.address().port, uriSpec: uriSpec('http://{address}:{port}') },
  { health: { isHealthy: () => http.listening } },
);
console.log(`${id} is registered`);
