import { describe, expect, it } from 'vitest';
import { BLOCK, encodeBlock, fileHead, MOST_PAYLOAD, readBlocks } from './blocks.ts';

const FILE = 'some.journal';
const file = (...payloads: string[]): Buffer =>
  Buffer.concat([fileHead('journal'), ...payloads.map((text) => encodeBlock(BLOCK.event, Buffer.from(text)))]);
const texts = (bytes: Buffer): string[] =>
  readBlocks(bytes, 'journal', FILE).blocks.map(({ payload }) => String(payload));

describe('the blocks of a file', () => {
  it('are read as they were written', () => {
    expect(texts(file('one', '', 'three'))).toEqual(['one', '', 'three']);
    expect(readBlocks(file('one'), 'journal', FILE).damage).toBeNull();
  });

  it('end before a torn end, wherever it was cut', () => {
    const whole = file('one', 'two', 'three');
    for (let length = 0; length < whole.length; length++) {
      const { blocks, damage } = readBlocks(whole.subarray(0, length), 'journal', FILE);
      expect(blocks.map(({ payload }) => String(payload))).toEqual(['one', 'two', 'three'].slice(0, blocks.length));
      // A cut between two blocks cannot be told from a shorter file.
      if (damage !== null) expect(damage).toMatchObject({ file: FILE, torn: true });
    }
  });

  it('end before any byte that was changed, and say where', () => {
    const whole = file('one', 'two', 'three');
    const head = fileHead('journal').length;
    const { blocks } = readBlocks(whole, 'journal', FILE);
    for (let at = head; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 0x10;
      const hit = blocks.findLastIndex(({ offset }) => offset <= at);
      const read = readBlocks(bytes, 'journal', FILE);
      expect(read.blocks.length).toBe(hit);
      expect(read.damage).toMatchObject({ offset: blocks[hit]!.offset, torn: hit === 2 });
    }
  });

  it('are none where the file begins as another, and refused where a later version wrote it', () => {
    const read = (text: string) => readBlocks(Buffer.from(text), 'journal', FILE);
    expect(() => read('taskglass journal 2\n')).toThrow(expect.objectContaining({ code: 'RECORDING_VERSION' }));
    for (const other of ['taskglass events 1\n', 'PAR1', 'taskglass journal 0\n', 'tbskglass journal 1\n']) {
      expect(read(other)).toEqual({ blocks: [], damage: expect.objectContaining({ offset: 0, torn: false }) });
    }
  });

  it('are limited in length, and no length is believed before it is checked', () => {
    expect(() => encodeBlock(BLOCK.event, new Uint8Array(MOST_PAYLOAD + 1))).toThrow(RangeError);
    const huge = file('one');
    huge.writeUInt32LE(0xffff_fff0, fileHead('journal').length + 4);
    expect(readBlocks(huge, 'journal', FILE).damage).toMatchObject({
      torn: true,
      what: expect.stringContaining('4294967280'),
    });
  });
});
