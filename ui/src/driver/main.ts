import { mount } from 'svelte';
import '../kit/kit.css';
import Driver from './Driver.svelte';

addEventListener('contextmenu', (event) => event.preventDefault());

const target = document.getElementById('page');
if (target !== null) mount(Driver, { target });
