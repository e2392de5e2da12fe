import type { JSX } from "preact";
import type { Point } from "../board.ts";
import { sparkline } from "../sparkline.ts";

const WIDTH = 240;
const HEIGHT = 40;

/** A decoration: the chart of the same measure, further down, has the numbers. */
export function Sparkline({ points }: { points: readonly Point[] }): JSX.Element | null {
  const shape = sparkline(points, WIDTH, HEIGHT);
  if (!shape) return null;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <path class="area" d={shape.area} />
      <path class="line" d={shape.line} />
    </svg>
  );
}
