/** A server of an ensemble as a process of its own: `node member-main.js zoo.cfg`. Logs JSON lines on standard error. */
import { readFileSync } from 'node:fs';
import { parseServerConfig, startServer } from '../../src/index.ts';

const file = process.argv[2] as string;
const server = await startServer(parseServerConfig(readFileSync(file, 'utf8'), { file }));
process.on('SIGUSR2', () => server.transfer());
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)));
const { exitCode } = await server.failed;
process.exit(exitCode);
