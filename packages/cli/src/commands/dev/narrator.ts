import { formatHostPort } from '../../host-port.ts';
import { askFourLetter } from '../status/four-letter.ts';
import { readServing } from '../status/server-report.ts';
import type { LocalMember } from './layout.ts';

const ASK_MS = 100;
const ANSWER_MS = 1000;

/** What was last seen of a server: its mode, or that it does not serve. */
type Seen = string | null;

/** Watches the servers of a local ensemble and tells of each change of who leads, follows or is away. */
export class Narrator {
  readonly #members: readonly LocalMember[];
  readonly #say: (text: string) => void;
  readonly #seen = new Map<number, Seen>();
  #leader: string | null = null;
  #leaderlessSince: number = performance.now();
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(members: readonly LocalMember[], say: (text: string) => void) {
    this.#members = members;
    this.#say = say;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      void this.#look().then(() => {
        if (!this.#stopped) this.start();
      });
    }, ASK_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const answers = await Promise.all(
      this.#members.map(async (member) => {
        const text = await askFourLetter(member.client, 'srvr', ANSWER_MS).catch(() => '');
        return { member, serving: readServing(text) };
      }),
    );
    if (this.#stopped) return;
    const leader = answers.find(({ serving }) => serving?.mode === 'leader');
    this.#tellLeader(leader === undefined ? null : `server ${leader.member.sid}`, leader?.serving?.epoch ?? 0);
    for (const { member, serving } of answers) this.#tellMode(member, serving?.mode ?? null);
  }

  #tellLeader(leader: string | null, epoch: number): void {
    // One who leads again in a new epoch has been away, too.
    const now = leader === null ? null : `${leader} leads, epoch ${epoch}`;
    if (now === this.#leader) return;
    if (now === null) {
      this.#leaderlessSince = performance.now();
      this.#say('nobody leads');
    } else if (this.#leader === null) {
      const seconds = ((performance.now() - this.#leaderlessSince) / 1000).toFixed(1);
      this.#say(`${now} (after ${seconds} s)`);
    } else this.#say(now);
    this.#leader = now;
  }

  #tellMode({ sid, client }: LocalMember, mode: Seen): void {
    const before = this.#seen.get(sid);
    if (before === mode) return;
    this.#seen.set(sid, mode);
    if (mode === null) {
      if (before !== undefined) this.#say(`server ${sid} does not serve`);
    } else if (mode !== 'leader') {
      this.#say(`server ${sid} serves as ${mode} on ${formatHostPort(client)}`);
    }
  }
}
