import type { Command } from './command.ts';

export const put: Command = {
  name: 'put',
  usage: '[-R] file path',
  about: 'sets the data of a znode to what is in a file, - for standard input; -R folder path: a folder and all in it',
  options: { R: 'flag' },
  least: 2,
  isOurs: true,
  completes: ['file', 'path'],
  async run(context, args) {
    const { uploadFile, uploadTree } = await import('../local-tree.ts');
    const [file, path] = args.words as [string, string];
    await (args.has('R') ? uploadTree(context, file, path) : uploadFile(context, file, path));
  },
};
