import type { CallOptions, Client, Watcher } from '@headkeeper/client';
import type { Output } from '../output.ts';
import type { Arguments, OptionTable } from '../parse-arguments.ts';

/** What commands about the shell itself may do with it. */
export interface ShellDoor {
  readonly history: readonly string[];
  /** Number of the line that is being carried out. */
  readonly count: number;
  printWatches: boolean;
  /** Carries out an earlier line again. */
  redo(line: string): Promise<void>;
  /** Another session; with the servers of before, unless others are given. */
  connect(servers: string | null): Promise<void>;
  close(): Promise<void>;
  quit(): Promise<void>;
  /** The code of a command that has done what it was to do, and has more to say than 0. */
  exitWith(code: number): void;
  /** Leaves the terminal to another program while the function runs. */
  lendTerminal(run: () => Promise<void>): Promise<void>;
}

/** What a command has to do with. */
export interface Context {
  /** The session's client. Throws for commands that are marked `offline`. */
  readonly client: Client;
  /** Has the signal that gives the command up. */
  readonly calls: CallOptions;
  readonly signal: AbortSignal;
  /** Ctrl-C alone. */
  readonly interrupted: AbortSignal;
  readonly output: Output;
  readonly isJson: boolean;
  /** The connect string. */
  readonly servers: string;
  /** Prints the events of watches. */
  readonly watcher: Watcher;
  readonly shell: ShellDoor;
  /** Prints a result: the text, or what stands for it in JSON. null: only in JSON there is something to say. */
  print(text: string | Uint8Array | null, json: unknown): void;
  /** Prints what Apache's shell prints to standard error although nothing is wrong. */
  note(text: string, json: unknown): void;
}

/** One command of the shell. */
export interface Command {
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  /** One line for help. */
  readonly about: string;
  readonly options: OptionTable;
  /** So many words have to follow the name, options not counted. */
  readonly least: number;
  /** Works without a session. */
  readonly offline?: true;
  /** Apache's shell has no such command. */
  readonly isOurs?: true;
  /** Other names. */
  readonly aliases?: readonly string[];
  /** What the words stand for, for completion; the last one holds for those that follow. */
  readonly completes?: readonly ('path' | 'file' | 'command')[];
  run(context: Context, args: Arguments): Promise<void>;
}
