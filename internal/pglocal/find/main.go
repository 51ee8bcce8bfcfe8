// Command find prints the folder of the PostgreSQL that Sunfund would use, or says what to install.
package main

import (
	"fmt"
	"os"

	"sunfund/internal/pglocal"
)

func main() {
	bin, err := pglocal.Find("", 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("PostgreSQL %d.%d in %s\n", bin.Major, bin.Minor, bin.Dir)
}
