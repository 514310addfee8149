// ---- trials
let said, recipes, rows, curves, baseline, choices;
const slotOf = (form) => form.pieces[0].split(":", 1)[0];
// a recipe is made of forms: each is the text of a slot, and its numbers go between the pieces
const slots = (row) => {
  const numbers = recipes.numbers[row.at].split(" ");
  let from = 0;
  return recipes.made_of[row.at].map((i) => ({ form: recipes.forms[i], own: numbers.slice(from, from += recipes.forms[i].pieces.length - 1) }));
};
const yaml = (row) => slots(row).map(({ form, own }) => form.pieces.reduce((text, piece, i) => text + own[i - 1] + piece)).join("");
const curve = (row) => curves[row.at].split(" ").filter(Boolean).map((score) => Number(score) / 10000);

// how numbers are written
const number = new Intl.NumberFormat("en");
const percent = (score) => score === null ? null : (100 * score).toFixed(2) + " %";
const short = (value) => String(typeof value === "number" ? Number(value.toPrecision(Number.isInteger(value) ? 15 : 3)) : value);
const milliseconds = (seconds) => seconds === null ? null : number.format(Number((1000 * seconds).toPrecision(3)));

// what a recipe decides otherwise than the baseline; parameters stand with their choice
const differs = ({ form, own }) => {
  const base = baseline.get(slotOf(form));
  return form !== base?.form || own.some((number, i) => number !== base.own[i]);
};
const choice = ({ form, own }) => {
  const [value, ...parameters] = Object.keys(form.knobs).map((knob) => {
    const text = short(knob in form.open ? Number(own[form.open[knob]]) : form.knobs[knob]);
    return knob.includes(".") ? `${knob.split(".").at(-1)} ${text}` : text;
  });
  return value + (parameters.length ? ` (${parameters.join(", ")})` : "");
};
const chip = (slot) => `${slotOf(slot.form)} = ${choice(slot)}`;
const chips = (row) => slots(row).filter(differs).map(chip);

const load = () => {
  said = read("texts"); recipes = read("recipes"); curves = read("curves");
  const columns = Object.entries(read("rows"));
  rows = Array.from(recipes.made_of, (_, at) => {
    const row = { at, ...Object.fromEntries(columns.map(([name, values]) => [name, values[at]])) };
    return { ...row, state: said[row.state], reason: said[row.reason], left_out: row.left_out.map((i) => said[i]) };
  });
  baseline = new Map(recipes.baseline === null ? [] : slots(rows[recipes.baseline]).map((slot) => [slotOf(slot.form), slot]));
  // each knob's values in the order of the rows, null where a trial does not have it; found when first asked for
  choices = {};
  for (const knob of new Set(recipes.forms.flatMap((form) => Object.keys(form.knobs)))) {
    const find = () => rows.map((row) => {
      const slot = slots(row).find(({ form }) => knob in form.knobs);
      if (!slot) return null;
      return knob in slot.form.open ? Number(slot.own[slot.form.open[knob]]) : slot.form.knobs[knob];
    });
    let values;
    Object.defineProperty(choices, knob, { enumerable: true, get: () => values ??= find() });
  }
};
load();
