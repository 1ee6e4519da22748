import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

interface Bars {
  readonly name: string;
  /** One a label; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
}

export interface ChartOptions {
  readonly title: string;
  /** From top to bottom. */
  readonly labels: readonly string[];
  readonly bars: readonly Bars[];
}

/** Readable on white and on black: the background is the page's. */
const TEXT = "#808080";
const COLOURS = ["#3f8fd2", "#e08a2e"];
const WIDTH = 860;
const AROUND = 100;
/** For the longest name: how wide a font is nobody knows here. */
const LABELS = 260;
const BAR = 14;

/** Horizontal bars, as SVG. */
export function drawChart({ title, labels, bars }: ChartOptions): string {
  const height = AROUND + labels.length * (bars.length * BAR + 8);
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: "transparent",
      color: COLOURS,
      textStyle: { color: TEXT, fontFamily: "sans-serif" },
      title: { text: title, left: 8, top: 8, textStyle: { color: TEXT, fontSize: 14 } },
      legend: { top: 32, left: 8, textStyle: { color: TEXT } },
      grid: { left: LABELS, right: 64, top: 60, bottom: 32 },
      xAxis: { type: "value", axisLabel: { color: TEXT }, splitLine: { lineStyle: { color: TEXT, opacity: 0.25 } } },
      yAxis: {
        type: "category",
        data: [...labels],
        inverse: true,
        axisLabel: { color: TEXT },
        axisTick: { show: false },
      },
      series: bars.map(({ name, values }) => ({
        name,
        type: "bar",
        barGap: "10%",
        data: values.map((value) => (value === undefined ? null : Number(value.toFixed(3)))),
        label: { show: true, position: "right", color: TEXT, fontSize: 11 },
      })),
    });
    return `${chart.renderToSVGString()}\n`;
  } finally {
    chart.dispose();
  }
}
