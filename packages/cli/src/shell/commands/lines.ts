import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

/** So many lines before the last are shown. */
const SHOWN = 10;

export const history: Command = {
  name: 'history',
  usage: '',
  about: 'lists the last lines, with their numbers',
  options: {},
  least: 0,
  offline: true,
  async run({ shell, print }) {
    for (let i = Math.max(0, shell.count - SHOWN); i <= shell.count; i++) {
      print(`${i} - ${shell.history[i] ?? null}`, { number: i, line: shell.history[i] ?? null });
    }
  },
};

export const redo: Command = {
  name: 'redo',
  usage: 'cmdno',
  about: 'carries out an earlier line again, by its number',
  options: {},
  least: 1,
  offline: true,
  async run({ shell }, args) {
    const [text] = args.words as [string];
    const number = Number(text);
    if (!/^\d+$/.test(text) || number >= shell.count) throw new ShellError('Command index out of range');
    const line = shell.history[number] as string;
    if (/^\s*redo\b/.test(line)) throw new ShellError('No redoing redos');
    await shell.redo(line);
  },
};

export const quit: Command = {
  name: 'quit',
  usage: '',
  about: 'ends the session and the shell',
  options: {},
  least: 0,
  offline: true,
  aliases: ['exit'],
  run: ({ shell }) => shell.quit(),
};
