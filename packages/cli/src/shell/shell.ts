import { type Client, type ClientOptions, isZooKeeperError, type WatchEvent, ZooKeeperError } from '@headkeeper/client';
import { CommandError } from '../exit-codes.ts';
import type { Command, Context, ShellDoor } from './commands/command.ts';
import { usageList } from './commands/help.ts';
import { COMMANDS, commandNamed } from './commands/table.ts';
import { ShellConnection } from './connection.ts';
import { eventName, watchedEventText } from './format.ts';
import { nearestCommand } from './nearest-command.ts';
import type { Output } from './output.ts';
import { type Arguments, parseArguments } from './parse-arguments.ts';
import { parseLine } from './parse-line.ts';
import { explain, keeperErrorCode, ShellError, ShellExit } from './shell-error.ts';

export interface ShellOptions {
  readonly servers: string;
  readonly client: ClientOptions;
  readonly output: Output;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
}

/** Carries out lines, one after the other, on one session. */
export class Shell implements ShellDoor {
  readonly connection: ShellConnection;
  readonly history: string[] = [];
  printWatches = true;
  /** Told when the state of the connection changes. */
  stateChanged: () => void = () => {};
  /** How a terminal is left to another program. */
  lend: (run: () => Promise<void>) => Promise<void> = (run) => run();
  readonly #options: ShellOptions;
  #servers: string;
  #exitCode: number = ShellExit.done;
  #hasQuit = false;
  #interrupt: AbortController | null = null;
  #lastEvent: WatchEvent | null = null;
  /** What the command that runs is about, for errors that do not say it. */
  #aim: string | null = null;

  constructor(options: ShellOptions) {
    this.#options = options;
    this.#servers = options.servers;
    this.connection = new ShellConnection(options.client, (change) => {
      this.#tellState(change);
      this.stateChanged();
    });
  }

  /** The connect string. */
  get servers(): string {
    return this.#servers;
  }

  /** Number of the line that comes next, or is being carried out. */
  get count(): number {
    return this.history.length - (this.isBusy ? 1 : 0);
  }

  /** The last command's. */
  get exitCode(): number {
    return this.#exitCode;
  }

  get hasQuit(): boolean {
    return this.#hasQuit;
  }

  get isBusy(): boolean {
    return this.#interrupt !== null;
  }

  /** Begins to connect. @throws ZooKeeperError for a connect string that makes no sense. */
  start(): void {
    if (!this.#isSilent) this.#options.output.out(`Connecting to ${this.#servers}`);
  }

  open(): void {
    this.connection.open(this.#servers);
    this.stateChanged();
  }

  /** Carries out a line. Never throws. */
  async line(text: string): Promise<void> {
    if (text.trim() === '') return;
    this.history.push(text);
    await this.#guarded(() => this.#carryOut(parseLine(text)));
  }

  /** Carries out one command given as words. Never throws. */
  async words(words: readonly string[]): Promise<void> {
    await this.#guarded(() => this.#carryOut(words));
  }

  /** Ctrl-C: gives up what is being done. */
  interrupt(): void {
    this.#interrupt?.abort();
  }

  async redo(line: string): Promise<void> {
    this.history[this.history.length - 1] = line;
    await this.#carryOut(parseLine(line));
  }

  async connect(servers: string | null): Promise<void> {
    await this.connection.close(true);
    this.#servers = servers ?? this.#servers;
    this.open();
  }

  close(): Promise<void> {
    return this.connection.close(true);
  }

  quit(): Promise<void> {
    this.#hasQuit = true;
    return this.connection.close(true);
  }

  /** The end without a word: of a pipe, of one command. */
  end(): Promise<void> {
    return this.connection.close(false);
  }

  exitWith(code: number): void {
    this.#exitCode = code;
  }

  lendTerminal(run: () => Promise<void>): Promise<void> {
    return this.lend(run);
  }

  async #guarded(run: () => Promise<void>): Promise<void> {
    const interrupt = new AbortController();
    this.#interrupt = interrupt;
    const before = this.#exitCode;
    this.#exitCode = ShellExit.done;
    try {
      await run();
      // Leaving is no command of its own.
      if (this.#hasQuit) this.#exitCode = before;
    } catch (error) {
      this.#fail(error, interrupt.signal);
    } finally {
      this.#interrupt = null;
    }
  }

  async #carryOut(words: readonly string[]): Promise<void> {
    const [name, ...rest] = words;
    if (name === undefined) return;
    const command = commandNamed(name);
    if (command === null) throw new UnknownCommand(name);
    if (command.offline !== true && !this.connection.isAlive) throw new NotConnected();
    const { isJson, args } = argumentsOf(command, rest, this.#options.isJson);
    this.#aim = args.words.find((word) => word.startsWith('/')) ?? null;
    const interrupted = (this.#interrupt as AbortController).signal;
    const signal = AbortSignal.any([interrupted, this.connection.begin()]);
    let client: Client | null = null;
    if (command.offline !== true) client = await this.connection.client(signal);
    await command.run(this.#context(client, signal, interrupted, isJson), args);
  }

  #context(client: Client | null, signal: AbortSignal, interrupted: AbortSignal, isJson: boolean): Context {
    const { output } = this.#options;
    const write = (to: 'out' | 'err', text: string | Uint8Array, json: unknown): void => {
      if (isJson) output.out(JSON.stringify(json));
      else if (to === 'err') output.err(String(text));
      else output.out(text);
    };
    return {
      get client(): Client {
        if (client === null) throw new NotConnected();
        return client;
      },
      calls: { signal },
      signal,
      interrupted,
      output,
      isJson,
      servers: this.#servers,
      watcher: (event) => this.#tellWatch(event),
      shell: this,
      print: (text, json) => {
        if (isJson || text !== null) write('out', text ?? '', json);
      },
      note: (text, json) => write('err', text, json),
    };
  }

  #fail(error: unknown, interrupted: AbortSignal): void {
    const { output } = this.#options;
    this.#exitCode = error instanceof ShellError || error instanceof CommandError ? error.exitCode : ShellExit.failed;
    if (error instanceof NotConnected && !this.#options.isJson) {
      output.out('Not connected');
      return;
    }
    if (error instanceof UnknownCommand && this.#options.isJson) {
      output.err(JSON.stringify({ error: error.sentence, nearest: error.nearest }));
      return;
    }
    const text = this.#failureText(error, interrupted);
    output.err(this.#options.isJson ? JSON.stringify({ error: text, ...codeOf(error) }) : text);
  }

  #failureText(error: unknown, interrupted: AbortSignal): string {
    if (!isZooKeeperError(error, 'aborted')) return explain(error);
    const doubt = error.outcome === 'unknown' ? '\nIt may have been applied: look at the znodes.' : '';
    if (interrupted.aborted) return `Interrupted${doubt}`;
    const reasons = this.connection.failures.map((line) => `\n${line}`).join('');
    return `${keeperErrorCode('connectionLoss', error.path ?? this.#aim)}${reasons}${doubt}`;
  }

  get #isSilent(): boolean {
    return this.#options.isJson || this.#options.isQuiet;
  }

  #tellState(change: string): void {
    if (!this.printWatches || this.#isSilent) return;
    const { output } = this.#options;
    output.out(output.paint('grey', watchedEventText(change, 'None', null, null)));
  }

  /** A znode watched in several ways: told once. */
  #tellWatch(event: WatchEvent): void {
    const { output, isJson } = this.#options;
    const name = eventName(event.type);
    if (name === null || event === this.#lastEvent || !this.printWatches) return;
    this.#lastEvent = event;
    const { path, zxid } = event;
    if (isJson) output.out(JSON.stringify({ event: name, path, zxid }));
    else output.out(output.paint('yellow', watchedEventText('SyncConnected', name, path, zxid)));
  }
}

class NotConnected extends ShellError {
  constructor() {
    super('Not connected');
    this.name = 'NotConnected';
  }
}

/** Apache's words for people, with the list of all commands; a sentence for programs. */
class UnknownCommand extends ShellError {
  readonly nearest: string | null;
  readonly sentence: string;

  constructor(name: string) {
    super(`${usageList(COMMANDS)}\nCommand not found: Command not found ${name}`, ShellExit.unknownCommand);
    this.name = 'UnknownCommand';
    this.nearest = nearestCommand(
      name,
      COMMANDS.map((command) => command.name),
    );
    const hint = this.nearest === null ? 'help lists what there is' : `did you mean ${this.nearest}?`;
    this.sentence = `there is no command ${name}; ${hint}`;
  }
}

/** Every command can be asked for JSON. */
function argumentsOf(
  command: Command,
  words: readonly string[],
  isJson: boolean,
): { readonly isJson: boolean; readonly args: Arguments } {
  const args = parseArguments(words, { ...command.options, json: 'flag' });
  if (args.words.length < command.least) throw new ShellError(`${command.name} ${command.usage}`);
  return { isJson: isJson || args.has('json'), args };
}

function codeOf(error: unknown): object {
  return error instanceof ZooKeeperError ? { code: error.code, path: error.path, outcome: error.outcome } : {};
}
