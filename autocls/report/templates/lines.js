// ---- of the parallel coordinates, the lines through a box that is drawn over an axis; all, once it is gone
function followLines(place) {
  const keep = (box) => {
    const kept = new Set(box?.points.map((point) => point.customdata));
    const through = (trace) => (kept.size ? trace.y.map((at, i) => (kept.has(trace.customdata[i]) ? at : null)) : trace.y);
    Plotly.react(place, charts.parallel.data.map((trace) => ({ ...trace, y: through(trace) })), place.layout, config);
  };
  for (const event of ["plotly_selected", "plotly_deselect"]) {
    place.removeAllListeners(event); // of an earlier drawing
    place.on(event, keep);
  }
}
