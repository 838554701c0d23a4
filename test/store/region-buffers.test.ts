import t from 'tap';
import { RegionBuffers } from '../../daemon/store/region-buffers.ts';

t.test('a buffer that is given back is used again, and never by two at once', async (t) => {
  const buffers = new RegionBuffers();
  const [first, second] = [buffers.take(), buffers.take()];
  t.not(first, second);
  buffers.giveBack(first);
  t.equal(buffers.take(), first);
  t.not(buffers.take(), first);
});

t.test('what is given back beyond need is let go', async (t) => {
  const buffers = new RegionBuffers();
  const taken = Array.from({ length: 100 }, () => buffers.take());
  for (const buffer of taken) buffers.giveBack(buffer);
  const again = new Set(Array.from({ length: 100 }, () => buffers.take()));
  t.equal(again.size, 100);
  t.ok(taken.filter((buffer) => again.has(buffer)).length < 50);
});
