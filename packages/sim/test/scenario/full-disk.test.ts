import { describe, it } from 'node:test';
import { type Ensemble, withEnsemble } from '../../src/scenario/ensemble.ts';
import { led } from '../../src/scenario/setups.ts';

/** Server 2 ends because its disk is full. */
function fullDisk(e: Ensemble): void {
  led(e);
  const client = e.attached(3);
  e.write(client, 2);
  const { disk } = e.node(2);
  e.expect('nothing has failed', !e.node(2).diskHasFailed);
  disk.capacity = disk.bytesHeld;
  e.cluster.mayFail.add(2);
  for (let i = 0; i < 100 && e.node(2).isUp; i++) e.write(client, 1);
  e.reached('server 2 has ended', !e.node(2).isUp);
  disk.capacity = Number.POSITIVE_INFINITY;
  e.expect('its disk has failed it, though there is room again', e.node(2).diskHasFailed);
  e.start(2);
  e.expect('which is forgotten with the process', !e.node(2).diskHasFailed);
  e.agree();
}

describe('a server that ends for want of room', () => {
  it('may say so when there is room again', () => withEnsemble({}, fullDisk));
});
