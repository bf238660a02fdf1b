import type { ListenerOptions } from './adapters/client/listener.ts';
import { boundedReports } from './adapters/peer/failure-reports.ts';
import { connectionsByDescriptors } from './adapters/system/descriptors.ts';
import type { Replica } from './core/replica.ts';
import { limits } from './limits.ts';
import type { Clock } from './ports.ts';

interface Log {
  warn(facts: object, message: string): void;
}

/** The limits of the client port, and who hears of those that exceed them. */
export function listenerLimits(
  replica: Replica,
  clock: Clock,
  log: Log,
): Pick<ListenerOptions, 'mostByDescriptors' | 'mostUnsentBytes' | 'refused' | 'cutOff'> {
  const { overload } = replica.serving.statistics;
  const report = boundedReports(clock, ({ message }) => log.warn({}, message), 'refusals and cuts of connections');
  return {
    mostByDescriptors: connectionsByDescriptors(),
    mostUnsentBytes: limits.unsentBytes,
    refused: (address, reason) => report(new Error(`the connection of ${address} was refused: ${reason}`)),
    cutOff: (address, reason) => {
      overload.connectionsCutOff++;
      report(new Error(`connection of ${address} cut off: ${reason}`));
    },
  };
}
