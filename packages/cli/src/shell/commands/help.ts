import { ShellError } from '../shell-error.ts';
import type { Command } from './command.ts';

/** The command that explains the others, or one of them. */
export function helpFor(commands: () => readonly Command[]): Command {
  return {
    name: 'help',
    usage: '[command]',
    about: 'prints what there is, or how one command is used',
    options: {},
    least: 0,
    offline: true,
    isOurs: true,
    aliases: ['h', '?'],
    completes: ['command'],
    async run({ print, output }, args) {
      const [name] = args.words;
      if (name === undefined) {
        const width = Math.max(...commands().map((command) => command.name.length));
        const lines = commands().map(
          (command) => `  ${output.paint('cyan', command.name.padEnd(width))}  ${command.about}`,
        );
        const about = commands().map(({ name: command, usage, about: says }) => ({ command, usage, about: says }));
        print(`${lines.join('\n')}\nhelp command shows its options.`, { commands: about });
        return;
      }
      const found = commands().find((command) => command.name === name || command.aliases?.includes(name));
      if (found === undefined) throw new ShellError(`There is no command ${name}`);
      print(`${found.name} ${found.usage}\n  ${found.about}`, {
        command: found.name,
        usage: found.usage,
        about: found.about,
      });
    },
  };
}

/** Every command's line, for those who asked for one that is not there. */
export function usageList(commands: readonly Command[]): string {
  const lines = commands.map(({ name, usage }) => `\t${name} ${usage}`);
  return ['ZooKeeper -server host:port -client-configuration properties-file cmd args', ...lines].join('\n');
}
