import { importTypescript } from '../../scripts/lib/typescript.mjs';

const { main } = await importTypescript('test/support/history-server.ts');
await /** @type {(tasks: number) => Promise<void>} */ (main)(Number(process.argv[2]));
