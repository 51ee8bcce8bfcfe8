package money

import "strings"

// WordsZH writes fen in the capitals of receipts and vouchers, with 人民币 before them:
// 2750513 is 人民币贰万柒仟伍佰零伍元壹角叁分, -5 is 人民币负伍分, 0 is 人民币零元整.
func WordsZH(minor int64) string {
	var b strings.Builder
	b.WriteString("人民币")
	if minor < 0 {
		b.WriteString("负")
	}
	fen := magnitude(minor)
	yuan, jiao, fen := fen/100, fen/10%10, fen%10
	if yuan > 0 || jiao+fen == 0 {
		writeYuan(&b, yuan)
	}
	// One 零 stands for the gap before 角 or 分: after a round ten of 元, or when 角 is missing.
	if yuan > 0 && (jiao > 0 && yuan%10 == 0 || jiao == 0 && fen > 0) {
		b.WriteString("零")
	}
	if jiao > 0 {
		b.WriteString(capital(jiao) + "角")
	}
	if fen > 0 {
		b.WriteString(capital(fen) + "分")
	} else {
		b.WriteString("整")
	}
	return b.String()
}

func writeYuan(b *strings.Builder, yuan uint64) {
	if yuan == 0 {
		b.WriteString(capital(0))
	}
	writeWhole(b, yuan)
	b.WriteString("元")
}

// wholeUnits are the places a number is read at, largest first; above 亿 the count of 亿 is itself read the same way (万亿).
var wholeUnits = []struct {
	size uint64
	name string
}{{100_000_000, "亿"}, {10_000, "万"}, {1_000, "仟"}, {100, "佰"}, {10, "拾"}, {1, ""}}

func writeWhole(b *strings.Builder, n uint64) {
	for _, unit := range wholeUnits {
		if n < unit.size {
			continue
		}
		rest := n % unit.size
		count := n / unit.size
		if count < 10 {
			b.WriteString(capital(count))
		} else {
			writeWhole(b, count)
		}
		b.WriteString(unit.name)
		// A gap is spoken when the next place is empty, or a whole group of four is: 壹万亿零壹仟万.
		if rest > 0 && (rest < unit.size/10 || count%10_000 == 0) {
			b.WriteString("零")
		}
		n = rest
	}
}

func capital(digit uint64) string {
	return []string{"零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"}[digit]
}
