/** What the records add up to. */
import t from 'tap';
import type { LayerRecord, SnapshotRecord, VolumeRecord } from '../../../daemon/store/layers/catalogue.ts';
import { Structure } from '../../../daemon/store/layers/structure.ts';

/** `1 <- 2 <- 3*` : a chain, in which those with a star are open. */
function layersOf(...chains: string[]): LayerRecord[] {
  const layers = new Map<string, LayerRecord>();
  for (const chain of chains) {
    let parent = '';
    for (const word of chain.split(' <- ')) {
      const id = word.replace('*', '');
      const record = { id, parent, sizeBytes: 65_536, sealed: !word.endsWith('*'), summed: false };
      if (!layers.has(id)) layers.set(id, record);
      parent = id;
    }
  }
  return [...layers.values()];
}

const volume = (name: string, head: string): VolumeRecord => ({ volume: name, sizeBytes: 65_536, head });
const snapshot = (name: string, layer: string): SnapshotRecord => ({
  volume: 'v',
  name,
  layer,
  sizeBytes: 65_536,
  createdAtMs: 0,
  quiesced: false,
  complete: true,
  purpose: 'kept',
});

t.test(
  'what neither a volume nor a snapshot shows is garbage, and all below what is shown is not',
  async (t) => {
    const structure = new Structure({
      layers: layersOf('1 <- 2 <- 3*', '1 <- 4 <- 5', '2 <- 6', '7 <- 8'),
      volumes: [volume('v', '3')],
      snapshots: [snapshot('s', '4')],
    });
    t.strictSame(structure.garbage().sort(), ['5', '6', '7', '8']);
  },
);

t.test('nothing is garbage of a store without layers', async (t) => {
  t.strictSame(new Structure({ layers: [], volumes: [], snapshots: [] }).garbage(), []);
});

t.test('two volumes and a snapshot may show one layer', async (t) => {
  const structure = new Structure({
    layers: layersOf('1 <- 2*', '1 <- 3*'),
    volumes: [volume('v', '2'), volume('w', '3')],
    snapshots: [],
  });
  t.strictSame(structure.garbage(), []);
  t.strictSame([...structure.childrenOf('1')].sort(), ['2', '3']);
  t.strictSame(structure.childrenOf('2'), []);
});

t.test('the layer below a head may be written if nobody else shows it', async (t) => {
  const layers = layersOf('1 <- 2 <- 3*');
  const volumes = [volume('v', '3')];
  t.equal(new Structure({ layers, volumes, snapshots: [] }).openable('3'), '2');
  t.equal(new Structure({ layers, volumes, snapshots: [snapshot('s', '1')] }).openable('3'), '2');
  t.equal(new Structure({ layers, volumes, snapshots: [snapshot('s', '2')] }).openable('3'), undefined);
  const cloned = layersOf('1 <- 2 <- 3*', '2 <- 4*');
  const both = [...volumes, volume('w', '4')];
  t.equal(new Structure({ layers: cloned, volumes: both, snapshots: [] }).openable('3'), undefined);
  t.equal(new Structure({ layers, volumes: [volume('v', '1')], snapshots: [] }).openable('1'), undefined);
});

t.test('sealed neighbours may become one if the lower is shown only through the upper', async (t) => {
  const layers = layersOf('1 <- 2 <- 3 <- 4*');
  const volumes = [volume('v', '4')];
  const mergesWith = (...snapshots: SnapshotRecord[]): unknown =>
    new Structure({ layers, volumes, snapshots }).merges();
  t.strictSame(mergesWith(snapshot('s', '3')), [
    { upper: '2', lower: '1' },
    { upper: '3', lower: '2' },
  ]);
  t.strictSame(mergesWith(snapshot('s', '3'), snapshot('older', '1')), [{ upper: '3', lower: '2' }]);
  t.strictSame(mergesWith(snapshot('s', '3'), snapshot('r', '2'), snapshot('q', '1')), []);
});

t.test('what is open, or below more than one, becomes part of nothing', async (t) => {
  const open = { layers: layersOf('1 <- 2*'), volumes: [volume('v', '2')], snapshots: [] };
  t.strictSame(new Structure(open).merges(), []);
  const branched = {
    layers: layersOf('1 <- 2 <- 3*', '1 <- 4 <- 5*'),
    volumes: [volume('v', '3'), volume('w', '5')],
    snapshots: [snapshot('s', '2'), snapshot('r', '4')],
  };
  t.strictSame(new Structure(branched).merges(), []);
});

t.test('a chain ends where a record is missing', async (t) => {
  const [, ...layers] = layersOf('1 <- 2 <- 3*');
  const structure = new Structure({ layers, volumes: [volume('v', '3')], snapshots: [] });
  t.strictSame([...structure.chain('3')], ['3', '2']);
  t.strictSame([...structure.chain('nothing')], []);
});
