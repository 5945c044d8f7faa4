import { parentPort, workerData } from 'node:worker_threads';
import { sealJournal } from './seal.ts';

// The thread that seals one journal: see `sealing.ts`.

const { directory, number } = workerData as { directory: string; number: number };
parentPort?.postMessage(await sealJournal(directory, number));
