/** The page's own style. It holds no address: nothing is fetched. */
export const STYLE = `
:root{color-scheme:light;--back:#fff;--raised:#f5f5f3;--text:#1c1c1a;--dim:#6b6b66;--line:#dcdcd6;--mark:#0a58a8;--good:#e0f2e1;--bad:#fbe4e2;--red:#a4231a;--hit:#ffe27a}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;--back:#161615;--raised:#21211f;--text:#e7e7e2;--dim:#9b9b94;--line:#3a3a36;--mark:#7db8f0;--good:#17341d;--bad:#40201d;--red:#f2938b;--hit:#6b5600}}
:root[data-theme=dark]{color-scheme:dark;--back:#161615;--raised:#21211f;--text:#e7e7e2;--dim:#9b9b94;--line:#3a3a36;--mark:#7db8f0;--good:#17341d;--bad:#40201d;--red:#f2938b;--hit:#6b5600}
*{box-sizing:border-box}
html{scroll-padding-top:4.5rem}
body{margin:0;background:var(--back);color:var(--text);font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
header{position:sticky;top:0;z-index:1;display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:center;padding:.5rem 1rem;background:var(--back);border-bottom:1px solid var(--line)}
h1{flex:1 1 12rem;margin:0;font-size:1.05rem;line-height:1.3;max-height:2.6em;overflow:hidden}
#tools{display:flex;flex-wrap:wrap;gap:.4rem;align-items:center}
#tools[hidden],[hidden]{display:none}
input,button{font:inherit;font-size:.9rem;color:inherit;background:var(--raised);border:1px solid var(--line);border-radius:.4rem;padding:.2rem .6rem}
input{width:11rem;max-width:100%}
button{cursor:pointer}
output{color:var(--dim);font-size:.85rem;min-width:3.5rem}
a{color:var(--mark);text-decoration:none}
a:hover{text-decoration:underline}
main{max-width:54rem;margin:0 auto;padding:0 1rem 4rem}
#contents{margin:1rem auto;max-width:54rem;padding:0 1rem;font-size:.9rem}
#contents ol{list-style:none;margin:.5rem 0;padding:0}
#contents li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis;line-height:1.8}
#contents b{display:inline-block;min-width:2.2em;color:var(--dim);font-weight:400}
@media (min-width:75rem){
#contents{position:fixed;top:4rem;bottom:0;left:0;width:18rem;margin:0;overflow-y:auto}
main{margin-left:max(19rem,calc(50vw - 27rem))}
}
.facts,footer,.note,time{color:var(--dim);font-size:.85rem}
.facts span::before{content:"· "}
.turn{margin:1.5rem 0;content-visibility:auto;contain-intrinsic-size:auto 20rem}
.turn:target>h2 a{background:var(--hit)}
h2{font-size:.85rem;font-weight:400;margin:0 0 .5rem}
h4{margin:.6rem 0 .2rem;font-size:.8rem;font-weight:400;color:var(--dim)}
p{margin:.5rem 0;white-space:pre-wrap}
.heading{font-weight:600}
.prompt{background:var(--raised);border-left:3px solid var(--mark);border-radius:.3rem;padding:.3rem .9rem;margin:.6rem 0}
.failure{color:var(--red)}
.boundary{border-top:1px dashed var(--line);color:var(--dim);margin:1rem 0}
code,pre{font:.85rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{background:var(--raised);border-radius:.2rem;padding:.05em .3em}
pre{background:var(--raised);border-radius:.3rem;padding:.6rem .8rem;margin:.4rem 0;white-space:pre-wrap;max-height:32rem;overflow:auto}
pre code{padding:0;background:none}
details{margin:.4rem 0}
summary{cursor:pointer;color:var(--dim);overflow:hidden;text-overflow:ellipsis}
.here{float:right;font-size:.8rem;padding:0 .4rem}
summary b{color:var(--text);font-weight:600}
summary code{color:var(--text)}
.tool.error>.here{float:right;font-size:.8rem;padding:0 .4rem}
summary b{color:var(--red)}
.subagent{border-left:2px solid var(--line);padding-left:.8rem;margin-left:.3rem}
.change{padding:.4rem 0}
.change>*{display:inline-block;width:100%;padding:0 .8rem;text-decoration:none}
.change ins{background:var(--good)}
.change del{background:var(--bad)}
.unseen{font-size:.7em;color:var(--red);border:1px solid;border-radius:.2rem;padding:0 .2em;unicode-bidi:isolate}
::highlight(found){background:var(--hit);color:inherit}
@media print{
:root:root{color-scheme:light;--back:#fff;--raised:#f5f5f3;--text:#000;--dim:#444;--line:#bbb;--mark:#000;--good:#e0f2e1;--bad:#fbe4e2;--red:#a4231a}
header{position:static}
#tools,#contents,.here{display:none!important}
main{max-width:none;margin:0;padding:0}
.turn{content-visibility:visible}
pre{max-height:none;overflow:visible}
}
`
