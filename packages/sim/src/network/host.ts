import type { Endpoint, PeerStream, PeerStreamHandler } from '@headkeeper/server/internal';
import type { Link } from './link.ts';
import type { StreamTap } from './stream-tap.ts';

export interface Listener {
  readonly accepted: (stream: PeerStream) => PeerStreamHandler;
}

/** One direction of a stream, for whoever breaks it. */
export interface HostPipe {
  readonly link: Link;
  swallows: boolean;
  end(how: 'fin' | 'reset'): void;
}

/** An end of a stream, as its machine sees it. */
export interface HostStream {
  readonly remote: Endpoint;
  readonly isConnecting: boolean;
  readonly outgoing: HostPipe | null;
  readonly incoming: HostPipe | null;
  /** Bytes written and not yet taken by the network. */
  readonly unsentBytes: number;
  /** Hears what this end writes. */
  tap: StreamTap | null;
  /** The process hears that the stream is gone; to be called inside a dispatch. */
  closedBy(code: string | null): void;
  /** The process is gone. */
  orphaned(how: 'fin' | 'reset' | 'silence'): void;
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
  readonly streams: Set<HostStream> = new Set();
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
