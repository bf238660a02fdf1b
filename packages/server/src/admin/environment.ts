import os from 'node:os';
import process from 'node:process';
import { ANNOUNCED_VERSION, HEADKEEPER_VERSION } from './version.ts';

const MEGABYTE = 1024 * 1024;
const NOT_AVAILABLE = '<NA>';
const JAVA_ENTRIES = ['version', 'vendor', 'home', 'class.path', 'library.path'].map(
  (name) => [`java.${name}`, NOT_AVAILABLE] as const,
);

/** The entries of the word `envi`, in Apache's order and under its names; what only a Java machine has is `<NA>`. */
export function environmentEntries(): readonly (readonly [name: string, value: string])[] {
  const memory = process.memoryUsage();
  return [
    ['zookeeper.version', ANNOUNCED_VERSION],
    ['host.name', os.hostname()],
    ...JAVA_ENTRIES,
    ['java.io.tmpdir', os.tmpdir()],
    ['java.compiler', NOT_AVAILABLE],
    ['os.name', os.type()],
    ['os.arch', os.arch()],
    ['os.version', os.release()],
    ['user.name', userName()],
    ['user.home', os.homedir()],
    ['user.dir', process.cwd()],
    ['os.memory.free', `${Math.floor((memory.heapTotal - memory.heapUsed) / MEGABYTE)}MB`],
    ['os.memory.max', `${Math.floor(os.totalmem() / MEGABYTE)}MB`],
    ['os.memory.total', `${Math.floor(memory.rss / MEGABYTE)}MB`],
    ['node.version', process.version],
    ['headkeeper.version', HEADKEEPER_VERSION],
  ];
}

function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    // The user of a container often has no name.
    return NOT_AVAILABLE;
  }
}
