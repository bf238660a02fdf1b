import { type Command, Option } from 'commander';

/** Where the past is read from: a server's configuration, a backup, or a data directory. */
export interface SourceOptions {
  readonly config?: string;
  readonly target?: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly keyFile?: string;
  readonly dataDir?: string;
  readonly dataLogDir?: string;
}

export function addSourceOptions(command: Command): Command {
  return command
    .option('--config <zoo.cfg>', "the backup that a server's configuration names, or else its data directory")
    .option('--target <url>', 'a backup: a folder, file:///folder or s3://bucket/prefix')
    .option('--endpoint <url>', 'address of the S3-compatible server')
    .option('--region <name>', 'region of the bucket')
    .option('--key-file <file>', 'key of an encrypted backup')
    .option('--data-dir <folder>', "a server's data directory, running or not, Headkeeper's or Apache ZooKeeper's")
    .addOption(new Option('--data-log-dir <folder>', 'where its logs are, if not there, too'));
}
