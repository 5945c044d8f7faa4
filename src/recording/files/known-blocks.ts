import type { SourceEvent, SourceSink } from '../../model/source-event.ts';
import type { Tables } from '../export/tables.ts';
import { BLOCK, wholeBlocks } from './blocks.ts';
import { EventDecoder } from './event-decoder.ts';
import { EventEncoder } from './event-encoder.ts';

/** What is known at a place of a recording, as the head of a file says it: blocks, base64. */
export function encodeKnown(events: readonly SourceEvent[], textOf: Tables['textOf']): string[] {
  return new EventEncoder(textOf).encodeState(events, false).map((block) => block.toString('base64'));
}

/** @throws RecordingError */
export function decodeKnown(blocks: readonly string[], intern: SourceSink['intern']): readonly SourceEvent[] {
  const decoder = new EventDecoder(intern);
  let events: readonly SourceEvent[] = [];
  for (const { type, payload } of blocks.flatMap((block) => wholeBlocks(Buffer.from(block, 'base64')).blocks)) {
    if (type === BLOCK.strings) decoder.strings(payload);
    if (type === BLOCK.state) events = decoder.state(payload).events;
  }
  return events;
}
