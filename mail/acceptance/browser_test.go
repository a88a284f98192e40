package acceptance_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

//go:embed look.js
var look string

// sight is what look.js measures.
type sight struct {
	Lang, Dir, Title      string
	Width, Scroll         float64
	Text                  string
	Headings, Quotes      []string
	Outside, Faint, Loads []string
	Lowest, Smallest      float64
	Preview               string // what lists of mail show of it
	Buttons               []target
	Links                 []target
}

type target struct {
	Href, Text    string
	Width, Height float64
}

// rendering is a way to look at a page.
type rendering struct {
	theme string // as prefers-color-scheme has it
	width int64  // in pixels
}

func (r rendering) String() string { return fmt.Sprintf("%s-%d", r.theme, r.width) }

// renderings are light and dark, on a phone and on a desk.
var renderings = []rendering{{"light", 360}, {"dark", 360}, {"light", 640}, {"dark", 640}}

// browser is one Chromium with a few tabs.
type browser struct{ tabs chan *tab }

// tab shows one page at a time.
type tab struct {
	ctx   context.Context //nolint:containedctx // it is the tab: what drives the browser keeps tabs in contexts
	frame cdp.FrameID

	mu       sync.Mutex
	loader   cdp.LoaderID // of the page that is shown
	requests []string     // of it
}

// open starts a browser, or skips the test on a machine that has none.
func open(t *testing.T, tabs int) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine; .ci/mail installs it")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	first, closeFirst := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		closeFirst()
		stop()
	})
	require.NoError(t, chromedp.Do(first), "Chromium does not start")
	b := &browser{tabs: make(chan *tab, tabs)}
	for range tabs {
		ctx, done := chromedp.NewContext(first)
		t.Cleanup(done)
		b.tabs <- newTab(ctx, t)
	}
	return b
}

func newTab(ctx context.Context, t *testing.T) *tab {
	t.Helper()
	p := &tab{ctx: ctx}
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
	require.NoError(t, err)
	p.frame = tree.FrameTree.Frame.ID
	// Listen, unlike Events, has seen an event before a command returns that was answered after it.
	require.NoError(t, chromedp.Listen(ctx, func(e any) {
		if e, ok := e.(*network.EventRequestWillBeSent); ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			if e.LoaderID == p.loader {
				p.requests = append(p.requests, e.Request.URL)
			}
		}
	}))
	return p
}

// show puts a page into the tab: into a new empty one, whose loader no page before it has, so that what these still ask
// for is not taken for its.
func (p *tab) show(html string) error {
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		return err
	}
	tree, err := call(p, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	p.mu.Lock()
	if p.loader == tree.FrameTree.Frame.LoaderID {
		err = errors.New("the page before it is still there")
	}
	p.loader, p.requests = tree.FrameTree.Frame.LoaderID, nil
	p.mu.Unlock()
	if err != nil {
		return err
	}
	_, err = call(p, page.SetDocumentContent, page.SetDocumentContentParams{FrameID: p.frame, HTML: html})
	return err
}

// look measures the page that is shown.
func (p *tab) look(r rendering) (sight, error) {
	if _, err := call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: r.width, Height: 700, DeviceScaleFactor: 1, Mobile: r.width < 480,
	}); err != nil {
		return sight{}, err
	}
	if _, err := call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: r.theme}},
	}); err != nil {
		return sight{}, err
	}
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[sight](look))
	if err != nil {
		return sight{}, err
	}
	// What was asked for before this is answered has been seen.
	if _, err := call(p, page.GetFrameTree, cdp.Empty{}); err != nil {
		return sight{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, url := range p.requests {
		s.Loads = append(s.Loads, "asked for "+url)
	}
	return s, nil
}

// picture takes a picture of the whole page.
func (p *tab) picture() ([]byte, error) {
	yes := true
	r, err := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &yes, OptimizeForSpeed: &yes})
	return r.Data, err
}

// limit is how long the browser may take for one answer.
const limit = 2 * time.Minute

func call[P, R any](p *tab, c cdp.Command[P, R], params P) (R, error) {
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	return chromedp.Call(ctx, c, params)
}
