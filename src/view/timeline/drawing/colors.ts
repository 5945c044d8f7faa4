import { CATEGORY_FUNCTION, UNMATCHED } from '../../../model/task-state.ts';
import { categoryColor, type ThemeColors } from '../../colors.ts';
import type { LabelStyle } from './frame-labels.ts';
import type { PictureColors } from './picture.ts';
import { mix, parseColor } from './pixels.ts';

/** A theme as the stream draws with it, made once for a theme and a number of functions. */
export interface StreamColors extends PictureColors {
  readonly theme: ThemeColors;
  readonly functions: number;
}

/** How much is left of the colour of what is not highlighted. */
const FADED = 0.16;

/** `highlighted`: the function beside which all others fade; null: none does. */
export function streamColors(theme: ThemeColors, functions: number, highlighted: number | null = null): StreamColors {
  // Room for functions to come, so that not every new one is a reason to draw all anew.
  const room = 2 ** Math.ceil(Math.log2(Math.max(16, functions + 1)));
  const panel = parseColor(theme.panel);
  const count = Math.min(UNMATCHED, CATEGORY_FUNCTION + room);
  const categories = new Uint32Array(UNMATCHED + count);
  for (let category = 0; category < count; category++) {
    const color = parseColor(categoryColor(theme, category));
    const faded = mix(color, panel, FADED);
    const fades = highlighted !== null && category !== CATEGORY_FUNCTION + highlighted;
    categories[category] = fades ? faded : color;
    categories[UNMATCHED + category] = faded;
  }
  return {
    theme,
    functions: room,
    categories,
    panel,
    grid: parseColor(theme.grid),
    separator: parseColor(theme.line),
    outline: theme.erredLine === theme.erred ? null : parseColor(theme.erredLine),
  };
}

const FAMILY = 'Inter, "Segoe UI", system-ui, "DejaVu Sans", sans-serif';

export function labelStyle(theme: ThemeColors, ratio: number): LabelStyle {
  return {
    ratio,
    font: `${Math.round(11 * ratio)}px ${FAMILY}`,
    smallFont: `${Math.round(10.5 * ratio)}px ${FAMILY}`,
    ink: theme.ink,
    dim: theme.dim,
    faint: theme.faint,
    line: theme.line,
    panel: theme.panel,
  };
}
