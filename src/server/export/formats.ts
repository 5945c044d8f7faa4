import { TASK_FORMATS } from '../../recording/export/export.ts';

/** What a history can be exported as: tasks in a format of others, or the page with its data inside. */
export const EXPORT_FORMATS = [...TASK_FORMATS, 'html'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
