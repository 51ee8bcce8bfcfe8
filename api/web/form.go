package web

import "fmt"

// Field is one text, select or textarea field with label, hint and error; made by the template function field.
type Field struct {
	Name, Label, Hint, Error, Value string
	Type                            string // text, email, date, file, password, select, area; "" is text
	Mode                            string // inputmode
	Fill                            string // autocomplete
	Unit                            string // stands outside the field
	Width                           string // expected length: 4, 8, 12, 20, full
	Optional                        bool
	Options                         []Option // of a select
}

// Option is one choice of a select, of radios or of checkboxes.
type Option struct {
	Value, Label, Hint string
	Chosen             bool
}

// Choices is a group of radios or checkboxes; made by the template function choices.
type Choices struct {
	Name, Legend, Hint, Error string
	Tiles                     bool // side by side, as amounts and methods of giving
	Many                      bool // checkboxes
	Options                   []Option
}

// ID is the id of the field, and what the error summary links to.
func (f Field) ID() string { return fieldID(f.Name) }

// ID is the id of the first choice, and what the error summary links to.
func (c Choices) ID() string { return fieldID(c.Name) }

// Anchor is where the error summary leads.
func (e FieldError) Anchor() string { return "#" + fieldID(e.Field) }

func fieldID(name string) string { return "f-" + name }

// newField is the template function field: page, name, key of the label, value, then pairs: hint, unit (keys), type,
// mode, fill, width, optional ("yes"), options ([]Option).
func newField(p Page, name, label string, value any, pairs ...any) (Field, error) {
	f := Field{Name: name, Label: p.T(label), Error: p.Errors.For(name), Type: "text", Width: "20"}
	if value != nil {
		f.Value = fmt.Sprint(value)
	}
	err := eachPair(pairs, func(key string, v any) bool {
		text, _ := v.(string)
		switch key {
		case "hint":
			f.Hint = p.T(text)
		case "unit":
			f.Unit = p.T(text)
		case "type":
			f.Type = text
		case "mode":
			f.Mode = text
		case "fill":
			f.Fill = text
		case "width":
			f.Width = text
		case "optional":
			f.Optional = true
		case "options":
			f.Options, _ = v.([]Option)
		default:
			return false
		}
		return true
	})
	for i := range f.Options {
		if f.Options[i].Value == f.Value {
			f.Options = append([]Option(nil), f.Options...)
			f.Options[i].Chosen = true
		}
	}
	return f, err
}

// newChoices is the template function choices: page, name, key of the legend, options, chosen value, then pairs: hint
// (key), tiles, many ("yes"). Checkboxes (many) carry Chosen in the options themselves.
func newChoices(p Page, name, legend string, options []Option, chosen any, pairs ...any) (Choices, error) {
	c := Choices{Name: name, Legend: p.T(legend), Error: p.Errors.For(name), Options: append([]Option(nil), options...)}
	for i := range c.Options {
		if chosen != nil && c.Options[i].Value == fmt.Sprint(chosen) {
			c.Options[i].Chosen = true
		}
	}
	err := eachPair(pairs, func(key string, v any) bool {
		switch key {
		case "hint":
			text, _ := v.(string)
			c.Hint = p.T(text)
		case "tiles":
			c.Tiles = true
		case "many":
			c.Many = true
		default:
			return false
		}
		return true
	})
	return c, err
}

// eachPair walks name-value pairs as templates can write them; a misspelt name fails the render, not the reader.
func eachPair(pairs []any, set func(key string, v any) bool) error {
	if len(pairs)%2 != 0 {
		return fmt.Errorf("field options come in pairs, got %d values", len(pairs))
	}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok || !set(key, pairs[i+1]) {
			return fmt.Errorf("no field option %v", pairs[i])
		}
	}
	return nil
}
