import { TaskglassError } from '../../base/errors.ts';
import { parseBytes } from '../../base/parse-bytes.ts';
import type { Bytes } from '../../model/units.ts';
import { PageMemory } from '../../store/paging/page-memory.ts';

/** Where nobody says how much: as much as a notebook can spare. */
const MEMORY: Bytes = 512e6;
/** What the process takes itself, and what answers and whatever is on its way take meanwhile. */
const BESIDE: Bytes = 192e6;
/** The least that histories get of it. */
const LEAST_SHARE = 0.4;

/** TASKGLASS_MEMORY, or the default. @throws OPTION_INVALID */
function memoryGiven(env: NodeJS.ProcessEnv = process.env): Bytes {
  const text = env.TASKGLASS_MEMORY ?? '';
  return text === '' ? MEMORY : checkMemory(parseBytes(text), `TASKGLASS_MEMORY "${text}"`);
}

/** The memory of all histories of a server that is to need no more than `memory` in all. @throws OPTION_INVALID */
export function historyMemory(memory: Bytes = memoryGiven()): PageMemory {
  checkMemory(memory, `memory ${memory}`);
  return new PageMemory(Math.max(memory - BESIDE, memory * LEAST_SHARE));
}

function checkMemory(memory: Bytes, what: string): Bytes {
  if (memory >= 16e6) return memory;
  throw new TaskglassError('OPTION_INVALID', `${what}: it must be a size from 16MB up, like 512MB or 2GiB`);
}
