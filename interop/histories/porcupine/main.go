// Command histories searches for an order in which the operations on each object of a history could have happened:
// histories SECONDS FILE...
//
// The format of the files is that of docs/internals/histories.md; only calls with "on", their returns and notes, and lines
// about sessions are read. No zxid is looked at, but for tokens of locks. Prints one of the words ok, illegal, unknown (not
// decided in SECONDS for all objects together), then how much was judged, and each object that is not ok; exit code 0, 1, 2.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

func fail(code int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(code)
}

func main() {
	if len(os.Args) < 3 {
		fail(64, "usage: histories SECONDS FILE...")
	}
	seconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(64, "%v", err)
	}
	objects, err := readObjects(os.Args[2:])
	if err != nil {
		fail(65, "%v", err)
	}
	names := make([]string, 0, len(objects))
	for name := range objects {
		names = append(names, name)
	}
	sort.Strings(names)
	deadline := time.Now().Add(time.Duration(seconds) * time.Second)
	verdict, code, count := "ok", 0, 0
	var illegal, undecided []string
	for _, name := range names {
		count += len(objects[name])
		model, known := models[strings.SplitN(name, ":", 2)[0]]
		if !known {
			fail(65, "there is no model for %s", name)
		}
		left := time.Until(deadline)
		if left <= 0 {
			left = time.Millisecond
		}
		switch porcupine.CheckOperationsTimeout(model, objects[name], left) {
		case porcupine.Illegal:
			illegal = append(illegal, name)
		case porcupine.Unknown:
			undecided = append(undecided, name)
		}
	}
	if len(undecided) > 0 {
		verdict, code = "unknown", 2
	}
	if len(illegal) > 0 {
		verdict, code = "illegal", 1
	}
	fmt.Println(verdict)
	fmt.Printf("%d operations on %d objects\n", count, len(names))
	for _, name := range illegal {
		fmt.Printf("illegal: %s\n", name)
	}
	for _, name := range undecided {
		fmt.Printf("undecided: %s\n", name)
	}
	os.Exit(code)
}
