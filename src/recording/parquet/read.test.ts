import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeColumns } from '../../model/finished-columns.ts';
import type { FinishedColumns } from '../../model/source-event.ts';
import { Tables } from '../export/tables.ts';
import { ROWS_A_GROUP } from './footer.ts';
import {
  type ForgedColumn,
  type ForgedFile,
  type ForgedPage,
  Many,
  putTogether,
  takeApart,
  thrift,
  varint,
  withFooter,
} from './forge.fixture.ts';
import { TasksReader } from './read.ts';
import { writeTasks } from './write.ts';

const tables = new Tables();

/** Some of everything that a recording can hold. `longest`: startstops and dependencies of a task. */
function tasks(rows: number, seed = 1, longest = 3): FinishedColumns {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const lists = Array.from({ length: rows }, () => [random(longest + 1), random(longest)] as const);
  const sum = (of: 0 | 1): number => lists.reduce((total, list) => total + list[of], 0);
  const columns = makeColumns(rows, sum(0), false, sum(1));
  for (let row = 0; row < rows; row++) {
    columns.keys[row] = random(9) === 0 ? `🦀-${'ü'.repeat(random(300))}` : `('inc-5a1b', ${row})`;
    columns.fn[row] = tables.intern('function', `f${random(5)}`);
    columns.group[row] = tables.intern('group', `g${row}`);
    columns.worker[row] = tables.intern('worker', `tcp://10.0.0.${random(9)}:1`);
    columns.type[row] = tables.intern('type', random(2) === 0 ? 'int' : '');
    columns.thread[row] = random(2) === 0 ? random(9) : Number.MAX_SAFE_INTEGER - random(9);
    columns.nbytes[row] = random(3) === 0 ? Number.NaN : random(1e9) * 1e5;
    columns.startstops[row] = lists[row]![0];
    columns.ready[row] = random(3) === 0 ? Number.NaN : 1.79e9 + row / 900;
    columns.needs[row] = random(100);
    columns.dependencies[row] = lists[row]![1];
    if (random(20) === 0) columns.errors.set(row, { exception: `E${random(3)}`, traceback: 'T\n'.repeat(random(99)) });
  }
  for (let at = 0; at < columns.action.length; at++) {
    columns.action[at] = random(5);
    // Now and then what no clock says: such numbers take all 64 bits of their differences.
    columns.start[at] = random(50) === 0 ? random(9e9) : 1.79e9 + at + random(1e6) / 1e6;
    columns.stop[at] = columns.start[at]! + random(1e6) / 1e6;
    columns.origin[at] = random(2) === 0 ? 0 : tables.intern('worker', `tcp://10.0.0.${random(9)}:1`);
  }
  for (let at = 0; at < columns.back.length; at++) columns.back[at] = 1 + random(1e6);
  return columns;
}

/** Times are whole microseconds in the file. */
function inMicros(columns: FinishedColumns): FinishedColumns {
  for (const name of ['start', 'stop', 'ready'] as const)
    for (let i = 0; i < columns[name].length; i++) columns[name][i] = Math.round(columns[name][i]! * 1e6) / 1e6;
  return columns;
}

async function readAll(bytes: Buffer): Promise<FinishedColumns[]> {
  const reader = new TasksReader(bytes, bytes);
  const groups: FinishedColumns[] = [];
  for (let group = 0; group < reader.groups; group++) groups.push(await reader.read(group, tables.intern));
  return groups;
}

const summary = JSON.stringify({ some: 'thing' });

describe('what was written', () => {
  it.each([1, 2, 7, 8, 9, 16, 17, 129, 5_000])('is read, %i rows', async (rows) => {
    const columns = tasks(rows, rows);
    const [read, ...more] = await readAll(writeTasks([columns], tables.textOf, summary).bytes);
    expect(more).toEqual([]);
    expect(read).toEqual(inMicros(columns));
  });
  it('is read where lists take several pages, each of which begins with a row', async () => {
    const columns = tasks(11_000, 3, 30);
    const { bytes } = writeTasks([columns], tables.textOf, summary);
    expect(await readAll(bytes)).toEqual([inMicros(columns)]);
    // Of the sources half are not known, and they fit one page.
    const lists = takeApart(bytes).groups[0]!.columns.filter(({ path }) => path[1] === 'list' && path[3] !== 'source');
    expect(lists.length).toBe(4);
    for (const { pages } of lists) {
      const data = pages.filter(({ repetition }) => repetition.length > 0);
      expect(data.length).toBeGreaterThan(1);
      for (const { repetition } of data) {
        // Its length is written seven bits a byte; then comes the first level: that of a row's first place.
        const first = repetition.findIndex((byte) => byte < 128) + 1;
        expect(repetition[first]! & 1).toBe(0);
      }
    }
  });
  it('is read in groups, with a column that is not known and without those that came later', async () => {
    const rows = ROWS_A_GROUP + 5;
    const bytes = writeTasks([tasks(rows)], tables.textOf, summary).bytes;
    const file = takeApart(bytes);
    for (const { columns } of file.groups) {
      const left = columns.filter(({ path: [name = ''] }) => !['ready', 'needs', 'dependencies'].includes(name));
      left[0] = { ...left[0]!, path: ['new'] };
      columns.splice(0, columns.length, columns[0]!, ...left);
    }
    const [first, second] = await readAll(putTogether(file));
    expect([first!.length, second!.length, second!.back.length]).toEqual([ROWS_A_GROUP, 5, 0]);
    expect(first!.keys).toEqual((await readAll(bytes))[0]!.keys);
  });
});

/** Bytes that were ever taken at once, from here on. */
async function refused(bytes: Buffer, why: RegExp): Promise<void> {
  const before = process.memoryUsage().arrayBuffers;
  const cpu = process.cpuUsage();
  const reading = readAll(bytes);
  await expect(reading).rejects.toMatchObject({ name: 'RecordingError', message: expect.stringMatching(why) });
  const { user, system } = process.cpuUsage(cpu);
  expect((process.memoryUsage().arrayBuffers - before) / 2 ** 20).toBeLessThan(160);
  // None of these may go on for as long as it says: what would, would for hours.
  expect((user + system) / 1e6).toBeLessThan(20);
}

describe('a file of somebody who means harm is refused, in no time and with little memory', () => {
  const honest = writeTasks([tasks(300)], tables.textOf, summary).bytes;
  /** The honest file with something else in it. */
  const evil = (change: (file: ForgedFile) => void): Buffer => {
    const file = takeApart(honest);
    change(file);
    return putTogether(file);
  };
  const columnOf = (file: ForgedFile, name: string): ForgedColumn =>
    file.groups[0]!.columns.find(({ path }) => path.filter((part) => !/list|element/.test(part)).join('.') === name)!;
  const lastPage = (column: ForgedColumn): ForgedPage => column.pages.at(-1)!;
  const none = Buffer.alloc(0);
  const LONG = 2 ** 31;
  const run = (count: number, value = 0): Buffer => Buffer.concat([varint(BigInt(count) * 2n), Buffer.of(value)]);
  const page = (change: Partial<ForgedPage>): ForgedPage => ({
    said: {},
    repetition: none,
    definition: none,
    body: none,
    ...change,
  });

  it('and the honest one, put together again, is not', async () => {
    expect((await readAll(evil(() => {})))[0]!.length).toBe(300);
  });

  it('a run of 2^31 levels', async () => {
    for (const count of [LONG, LONG - 1, 2 ** 30, 301]) {
      await refused(
        evil((file) => {
          lastPage(columnOf(file, 'nbytes')).definition = run(count, 1);
        }),
        /a run beyond|endless/,
      );
    }
  });
  it('a run of 2^31 words of a dictionary, and of none', async () => {
    for (const count of [LONG, 2 ** 27, 0]) {
      await refused(
        evil((file) => {
          lastPage(columnOf(file, 'name')).body = Buffer.concat([Buffer.of(1), run(count)]);
        }),
        /a run beyond|endless|a run of nothing/,
      );
    }
  });
  it('2^31 values, rows and groups', async () => {
    for (const values of [LONG, -1, -LONG, 2 ** 60]) {
      const lie = (name: string, why: RegExp): Promise<void> =>
        refused(
          evil((file) => {
            columnOf(file, name).values = values;
            lastPage(columnOf(file, name)).said.values = values;
          }),
          why,
        );
      await lie('thread', /not whole|endless/);
      await lie('startstops.start', /not whole|endless/);
      await refused(
        evil((file) => {
          file.groups[0]!.rows = values;
        }),
        /rows|endless/,
      );
      await refused(
        evil((file) => {
          lastPage(columnOf(file, 'key')).said.values = values;
        }),
        /more values|endless/,
      );
    }
    await refused(
      evil(({ groups }) => {
        for (let i = 0; i < 300; i++) groups.push(groups[0]!);
      }),
      /a list of 301/,
    );
  });
  it('lists of four million, told in a few bytes', async () => {
    const values = 128 * ROWS_A_GROUP;
    await refused(
      evil((file) => {
        const { columns } = file.groups[0]!;
        for (const column of columns.filter(({ path }) => path.includes('list'))) {
          column.values = values;
          const first = Buffer.concat([run(1), run(values - 1, 1)]);
          column.pages = [
            page({
              said: { values, encoding: 5 },
              repetition: first,
              definition: run(values, 1),
              body: Buffer.concat([thrift(64), varint(4n), varint(BigInt(values)), Buffer.alloc(200_000)]),
            }),
          ];
        }
      }),
      /more than a row group|another size|encoding|too long/,
    );
  });
  it('a bomb of gzip in a page and in a dictionary', async () => {
    const zeros = gzipSync(Buffer.alloc(80 * 2 ** 20));
    for (const unpacked of [80 * 2 ** 20, 64 * 2 ** 20, 300, 0]) {
      await refused(
        evil((file) => {
          const last = lastPage(columnOf(file, 'key'));
          Object.assign(last, { packed: zeros, said: { ...last.said, unpacked } });
        }),
        /a page/,
      );
      await refused(
        evil((file) => {
          const [dictionary] = columnOf(file, 'name').pages;
          Object.assign(dictionary!, { packed: zeros, said: { ...dictionary!.said, unpacked } });
        }),
        /a page/,
      );
    }
  });
  it('pages that together unpack to more than was ever recorded', async () => {
    const body = Buffer.alloc(32 * 2 ** 20);
    const packed = gzipSync(body);
    await refused(
      evil((file) => {
        const key = columnOf(file, 'key');
        const bomb = page({ said: { values: 1, encoding: 0 }, body, packed });
        key.pages = Array.from({ length: 20 }, () => bomb);
      }),
      /more than a row group/,
    );
  });
  it('pages without end, and pages of nothing', async () => {
    const nothing = page({ said: { values: 0, encoding: 0 } });
    await refused(
      evil((file) => {
        columnOf(file, 'key').pages = Array.from({ length: 5_000 }, () => nothing);
      }),
      /more values/,
    );
  });
  it('other kinds of compression', async () => {
    for (const codec of [0, 1, 3, 4, 5, 6, 7, 99]) {
      await refused(
        evil((file) => {
          columnOf(file, 'key').codec = codec;
        }),
        /another one/,
      );
    }
    await refused(
      evil((file) => {
        const last = lastPage(columnOf(file, 'key'));
        last.said.compressed = false;
      }),
      /not compressed/,
    );
    // Bombs of the others, called gzip: Zstandard, snappy.
    for (const packed of [Buffer.from('28b52ffda000000040010000', 'hex'), Buffer.from('ffffffff0f00', 'hex')]) {
      await refused(
        evil((file) => {
          Object.assign(lastPage(columnOf(file, 'key')), { packed });
        }),
        /a page/,
      );
    }
  });
  it('a dictionary of more words than it has bytes, and words that it lacks', async () => {
    for (const values of [LONG, 301, 299, -1]) {
      await refused(
        evil((file) => {
          columnOf(file, 'name').pages[0]!.said.values = values;
        }),
        /dictionary|ends early|endless/,
      );
    }
    await refused(
      evil((file) => {
        lastPage(columnOf(file, 'name')).body = Buffer.concat([Buffer.of(8), run(300, 200)]);
      }),
      /dictionary lacks/,
    );
    await refused(
      evil((file) => {
        columnOf(file, 'name').pages.shift();
      }),
      /another encoding/,
    );
  });
  it('texts of 2^31 letters, and texts that repeat the one before again and again', async () => {
    await refused(
      evil((file) => {
        columnOf(file, 'name').pages[0]!.body.writeUInt32LE(LONG - 1);
      }),
      /ends early|more than/,
    );
    const rows = ROWS_A_GROUP;
    // One number after another, each so much more than the one before.
    const deltas = (first: number, step: number): Buffer =>
      Buffer.concat([
        Buffer.concat([varint(128n), varint(4n), varint(BigInt(rows)), thrift(first)]),
        ...Array.from({ length: Math.ceil((rows - 1) / 128) }, () => Buffer.concat([thrift(step), Buffer.alloc(4)])),
      ]);
    // The second: each begins with all of the one before and is 32 letters longer, which would be 17 GB.
    for (const body of [
      Buffer.concat([deltas(0, 0), deltas(LONG, 1)]),
      Buffer.concat([deltas(0, 32), deltas(32, 0), Buffer.alloc(32 * rows)]),
      Buffer.concat([deltas(-5, 0), deltas(1, 0), Buffer.alloc(rows)]),
    ]) {
      await refused(
        evil((file) => {
          file.groups[0]!.rows = rows;
          const key = columnOf(file, 'key');
          key.values = rows;
          key.pages = [page({ said: { values: rows, encoding: 7 }, body })];
          file.groups[0]!.columns = [key];
        }),
        /begins with nothing|ends early|more than a row group/,
      );
    }
  });
  it('sizes below nothing, and columns that lie elsewhere or over one another', async () => {
    for (const wrong of [-1, -LONG, LONG, 2 ** 52, 2 ** 62]) {
      for (const name of ['unpacked', 'packed', 'definition', 'repetition'] as const) {
        await refused(
          evil((file) => {
            lastPage(columnOf(file, 'nbytes')).said[name] = wrong;
          }),
          /size|beyond|bytes|endless|levels/,
        );
      }
      for (const name of ['at', 'size'] as const) {
        await refused(
          evil((file) => {
            columnOf(file, 'name')[name] = wrong;
          }),
          /elsewhere|endless/,
        );
      }
    }
    await refused(
      evil((file) => {
        columnOf(file, 'name').at = 4;
      }),
      /elsewhere/,
    );
    await refused(
      evil(({ groups: [group] }) => {
        group!.columns.push(group!.columns[0]!);
      }),
      /twice/,
    );
  });
  it('a footer that lies about its length', async () => {
    const metadata = honest.subarray(honest.length - 8 - honest.readUInt32LE(honest.length - 8), honest.length - 8);
    for (const length of [0, 1, metadata.length - 1, metadata.length + 1, 2 ** 31, 2 ** 32 - 1])
      await refused(withFooter(metadata, length), /footer|ends early|another type|deep|endless|list|without rows/);
    await refused(Buffer.from('PAR1'), /footer/);
    await refused(Buffer.alloc(0), /footer/);
    await refused(Buffer.alloc(12), /footer/);
  });
  it('a schema of a million columns, and as many columns, groups and fields', async () => {
    const many = new Many({ 4: 'x' }, 1_000_000);
    // The schema is not asked: it costs nothing but its bytes.
    const read = await readAll(evil((file) => Object.assign(file, { footer: { 2: many } })));
    expect(read[0]!.length).toBe(300);
    await refused(withFooter(thrift({ 4: many })), /a list of 1000000/);
    await refused(withFooter(thrift({ 4: [{ 1: many, 3: 1 }] })), /a list of 1000000/);
    await refused(withFooter(thrift({ 4: [{ 1: [{ 3: { 3: many } }], 3: 1 }] })), /a list of 1000000/);
  });
  it('lists that say that they are longer than the file', async () => {
    for (const size of [2n ** 31n, 2n ** 53n - 1n, 2n ** 63n])
      for (const field of [2, 4])
        await refused(
          withFooter(Buffer.concat([Buffer.of(9), thrift(field), Buffer.of(0xfc), varint(size)])),
          /ends early|endless|a list of/,
        );
  });
  it('numbers without an end', async () => {
    const endless = Buffer.alloc(1 << 20, 0xff);
    for (const field of [3, 4, 99])
      await refused(withFooter(Buffer.concat([Buffer.of(6), thrift(field), endless])), /./);
    await refused(withFooter(endless), /./);
    await refused(
      evil((file) => {
        lastPage(columnOf(file, 'key')).header = Buffer.concat([Buffer.of(6, 2), endless]);
      }),
      /endless/,
    );
    await refused(
      evil((file) => {
        lastPage(columnOf(file, 'thread')).body = endless;
        lastPage(columnOf(file, 'thread')).said.encoding = 5;
        columnOf(file, 'thread').pages.splice(0, columnOf(file, 'thread').pages.length - 1);
      }),
      /endless/,
    );
  });
  it('structures within structures', async () => {
    for (const deep of [
      Buffer.alloc(1_000_000, 0x1c),
      Buffer.alloc(1_000_000, 0x19),
      Buffer.concat([Buffer.of(0x19), Buffer.alloc(1_000_000, 0x19)]),
    ])
      await refused(withFooter(deep), /too deep|ends early|endless|list/);
  });
  it('a bit here and there, any of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), { minLength: 1 }),
        async (changes) => {
          const bytes = Buffer.from(honest);
          for (const [at, value] of changes) bytes[at] = value;
          await readAll(bytes).catch((error: unknown) => expect(error).toMatchObject({ name: 'RecordingError' }));
        },
      ),
      { numRuns: 150 },
    );
  });
});
