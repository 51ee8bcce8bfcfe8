package money

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestWordsZH(t *testing.T) {
	for amount, want := range map[string]string{
		"27505.13":  "贰万柒仟伍佰零伍元壹角叁分",
		"49446.00":  "肆万玖仟肆佰肆拾陆元整",
		"1680.32":   "壹仟陆佰捌拾元零叁角贰分",
		"107000.53": "壹拾万柒仟元零伍角叁分",
		"0.05":      "伍分",
		"-0.05":     "负伍分",

		"0":                "零元整",
		"0.50":             "伍角整",
		"0.55":             "伍角伍分",
		"1.00":             "壹元整",
		"10":               "壹拾元整",
		"10.05":            "壹拾元零伍分",
		"325.04":           "叁佰贰拾伍元零肆分",
		"1409.50":          "壹仟肆佰零玖元伍角整",
		"6007.14":          "陆仟零柒元壹角肆分",
		"16409.02":         "壹万陆仟肆佰零玖元零贰分",
		"100000":           "壹拾万元整",
		"1000001":          "壹佰万零壹元整",
		"100000000":        "壹亿元整",
		"100005000":        "壹亿零伍仟元整",
		"100050000":        "壹亿零伍万元整",
		"1012340000":       "壹拾亿壹仟贰佰叁拾肆万元整",
		"11110000":         "壹仟壹佰壹拾壹万元整",
		"999999999999.99":  "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分",
		"1000000000000":    "壹万亿元整",
		"1000000000001":    "壹万亿零壹元整",
		"1000010000000":    "壹万亿零壹仟万元整",
		"1020000000000.10": "壹万零贰佰亿元零壹角整",
		"-200.00":          "负贰佰元整",
	} {
		minor, err := Parse(amount, "CNY")
		if err != nil {
			t.Fatal(err)
		}
		if got := WordsZH(minor); got != "人民币"+want {
			t.Errorf("%s: %s, want 人民币%s", amount, got, want)
		}
	}
	const smallest = "人民币负玖亿贰仟贰佰叁拾叁万柒仟贰佰零叁亿陆仟捌佰伍拾肆万柒仟柒佰伍拾捌元零捌分"
	if got := WordsZH(math.MinInt64); got != smallest {
		t.Errorf("smallest: %s", got)
	}
}

// spelled writes every digit with its place and then strikes out zeros by rules of text: another way to the same words.
func spelled(minor int64) string {
	digits := fmt.Sprintf("%d", minor/100)
	var b strings.Builder
	for i, d := range digits {
		b.WriteString(string([]rune("零壹贰叁肆伍陆柒捌玖")[d-'0']))
		place := len(digits) - 1 - i
		if d != '0' {
			b.WriteString([]string{"", "拾", "佰", "仟"}[place%4])
		}
		if place > 0 && place%4 == 0 {
			b.WriteString([]string{"", "万", "亿", "兆"}[place/4])
		}
	}
	yuan := b.String()
	for strings.Contains(yuan, "零零") {
		yuan = strings.ReplaceAll(yuan, "零零", "零")
	}
	for _, unit := range []string{"兆", "亿", "万"} {
		yuan = strings.ReplaceAll(yuan, "零"+unit, unit)
	}
	yuan = strings.ReplaceAll(yuan, "亿万", "亿零")
	yuan = strings.ReplaceAll(yuan, "兆亿", "兆零")
	yuan = strings.ReplaceAll(yuan, "兆零万", "兆零")
	for strings.Contains(yuan, "零零") {
		yuan = strings.ReplaceAll(yuan, "零零", "零")
	}
	if yuan != "零" {
		yuan = strings.TrimSuffix(yuan, "零")
	}
	// 兆 here is 万亿: it takes the 亿 along when no 亿 follows.
	if before, after, ok := strings.Cut(yuan, "兆"); ok {
		yuan = before + "万" + after
		if !strings.Contains(after, "亿") {
			yuan = before + "万亿" + after
		}
	}
	jiao, fen := minor/10%10, minor%10
	words := ""
	if yuan != "零" || jiao+fen == 0 {
		words = yuan + "元"
	}
	if words != "" && jiao > 0 && minor/100%10 == 0 || words != "" && jiao == 0 && fen > 0 {
		words += "零"
	}
	if jiao > 0 {
		words += string([]rune("零壹贰叁肆伍陆柒捌玖")[jiao]) + "角"
	}
	if fen > 0 {
		return "人民币" + words + string([]rune("零壹贰叁肆伍陆柒捌玖")[fen]) + "分"
	}
	return "人民币" + words + "整"
}

func TestWordsZHAgainstSpelling(t *testing.T) {
	// Digits are drawn one by one so that runs of zeros are common.
	digit := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 9))
	rapid.Check(t, func(t *rapid.T) {
		var minor int64
		for _, d := range rapid.SliceOfN(digit, 1, 17).Draw(t, "digits") {
			minor = minor*10 + d
		}
		if got, want := WordsZH(minor), spelled(minor); got != want {
			t.Fatalf("%d: %s, want %s", minor, got, want)
		}
	})
}

func ExampleWordsZH() {
	fmt.Println(WordsZH(2750513))
	// Output: 人民币贰万柒仟伍佰零伍元壹角叁分
}
