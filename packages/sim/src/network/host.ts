import type { PeerStream, PeerStreamHandler } from '@headkeeper/server/internal';
import type { Stream } from './stream.ts';

export interface Listener {
  readonly accepted: (stream: PeerStream) => PeerStreamHandler;
}

/** How a host runs what arrives for its process: at once, later (a process that stands still), or never (a dead one). */
export interface HostProcess {
  dispatch(action: () => void): void;
}

/** One machine of the network, with the process that runs on it. */
export class Host {
  readonly name: string;
  readonly index: number;
  /** Whether the machine answers at all: a machine without power is silent, one without the process refuses. */
  powered = true;
  readonly listeners: Map<number, Listener> = new Map();
  /** Ends of streams that the process holds. */
  readonly streams: Set<Stream> = new Set();
  process: HostProcess;
  /** Whether the process has died in the middle of what it is doing: nothing that it still does leaves the machine. */
  isDying: () => boolean = () => false;
  /** Counts the processes that this machine has run. */
  life = 0;

  constructor(name: string, index: number, process: HostProcess) {
    this.name = name;
    this.index = index;
    this.process = process;
  }

  /** Runs what concerns the present process; nothing once that is gone. */
  dispatch(action: () => void): void {
    const { life } = this;
    this.process.dispatch(() => {
      if (this.life === life) action();
    });
  }
}
